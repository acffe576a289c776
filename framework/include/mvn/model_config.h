// Reading Hugging Face's config.json: the keys a model knows, under any of their names.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

#include "mvn/model.h"

namespace mvn {

// The values of one configuration. Every getter takes the names a key goes by, the first that is
// there and not null counts; a value of the wrong type is a ConfigError ("model.config.<name>").
class ModelConfig {
 public:
  // Keeps a reference to `context`.
  explicit ModelConfig(const ModelContext& context) : context_(context) {}

  using Names = std::initializer_list<std::string_view>;

  // nullptr where no name has a value.
  const Value* find(Names names);
  std::int64_t get_int(Names names, std::int64_t default_value);
  // An integer of at least 1.
  std::int64_t get_size(Names names, std::int64_t default_value);
  double get_real(Names names, double default_value);
  bool get_bool(Names names, bool default_value);
  std::string get_text(Names names, const std::string& default_value);

  // Throws ConfigError unless the configuration has no `model_type` or one of these.
  void check_model_type(Names known);
  // Keys that change nothing here.
  void ignore(Names names);
  // Call last: a key of the sweep's own `model.config` that nothing asked for is a ConfigError with
  // the nearest known name. (A config.json from a checkpoint may hold more than a model reads.)
  void check_unknown_keys();

  // A ConfigError about the value of `name`.
  [[noreturn]] static void fail(std::string_view name, const std::string& message);

 private:
  const Value* find_any(Names names, std::string_view& found);

  const ModelContext& context_;
  std::set<std::string, std::less<>> known_;
};

// The start of a config.json to save: `original` with the model_type, and as architecture the class
// of transformers that opens the model as `head` says ("GPTNeo" -> "GPTNeoForCausalLM").
Value::Map saved_config(const Value::Map& original, std::string_view model_type,
                        const std::string& family, HeadKind head);

}  // namespace mvn
