// A section of a trial's configuration: its layers merged, checked against the schema that
// declares it, every value of its declared type.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/description.h"
#include "orchestrate/sweep/coerce.h"
#include "orchestrate/sweep/layers.h"
#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

// A key that an axis or --set gives values to.
struct AssignedKey {
  std::string dotted;             // "optimizer.lr"
  std::vector<std::string> path;  // {"optimizer", "lr"}
  Mark mark;
  bool swept = true;    // has several values, so that it belongs to what tells trials apart
  bool listed = false;  // one of the maps under `trials` gives it
};

struct Assignment {
  const AssignedKey* key = nullptr;
  const Node* value = nullptr;
};

// A reference to the model that a trial of another stage trains.
struct StageReference {
  std::string param;  // "weights"
  std::string stage;
  std::optional<std::vector<std::string>> match;
  Mark mark;
};

struct ResolvedSection {
  Json values = Json::object();
  std::vector<StageReference> references;
  std::map<std::string, Mark> places;  // "lr" -> where its value was written
};

class SectionResolver {
 public:
  SectionResolver(const Description& installed, CoerceContext context)
      : installed_(installed), context_(std::move(context)) {}

  // The layers of `section`, low to high: the recipe's, the base's (either may be nullptr), the
  // axes' values, the command line's. Resolves each different combination once; the result lives
  // as long as this object. `fallback` is where problems of an absent section are. A `loose`
  // section is read by a program of the user's: what a schema declares has its type, anything else
  // is taken as it stands.
  const ResolvedSection& resolve(const std::string& section, const Entry* recipe, const Entry* base,
                                 const std::vector<Assignment>& axes,
                                 const std::vector<Assignment>& overrides, const Mark& fallback,
                                 bool loose = false);

 private:
  struct Schema {
    const std::vector<ParamSpec>* params = nullptr;
    std::string declared;  // "declared by adapter 'lora' (plugin .../lora.so)"
    std::string owner;     // "adapter 'lora' (plugin .../lora.so)"
  };

  ResolvedSection resolve_tree(const std::string& section, const Node& tree);
  ResolvedSection resolve_loosely(const std::string& section, const Node& tree);
  void refuse_axes(const std::string& key, const Node& map);
  Schema schema_of(const std::string& section, const Node& tree, ResolvedSection& result);
  Schema component_of(const std::string& kind, const Node& tree, ResolvedSection& result);
  void resolve_param(const std::string& section, const Schema& schema, const Entry& entry,
                     ResolvedSection& result);
  void take_param(const std::string& section, const Schema& schema, const ParamSpec& spec,
                  const Entry& entry, ResolvedSection& result);
  void require_params(const std::string& section, const Schema& schema, const Node& tree);

  const Description& installed_;
  const Layering layering_{installed_};
  CoerceContext context_;
  std::unordered_map<std::string, ResolvedSection> resolved_;
};

}  // namespace mvn
