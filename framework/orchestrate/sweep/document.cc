#include "orchestrate/sweep/document.h"

#include <algorithm>

#include "common/files.h"
#include "common/text.h"
#include "mvn/nearest.h"
#include "orchestrate/sweep/foreign_file.h"
#include "orchestrate/sweep/keys.h"
#include "orchestrate/sweep/layers.h"
#include "orchestrate/sweep/problems.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// One name for a file however it is spelled; the spelling itself where it cannot be followed.
fs::path followed(const fs::path& file) {
  std::error_code error;
  fs::path result = fs::weakly_canonical(file, error);
  return error ? file : result;
}

std::shared_ptr<const Source> source_of(const fs::path& file) {
  return std::make_shared<const Source>(
      Source{file, fs::absolute(file).lexically_normal().parent_path()});
}

Node load_with_extended(const fs::path& file, std::vector<fs::path> chain, const Layering& layering,
                        ProblemList& problems);

// One `extends` entry laid under the tree.
void extend(Node& under, const Node& name, const std::vector<fs::path>& chain,
            const Layering& layering, ProblemList& problems) {
  if (!name.is_scalar()) {
    problems.add(name.mark, "extends: expected a file or a list of files, got " + describe(name));
    return;
  }
  // Beside the file that names it, spelled so that messages stay as short as the user's own path.
  const fs::path base = (name.mark.source->file.parent_path() / name.text).lexically_normal();
  const fs::path absolute = followed(base);
  if (std::find(chain.begin(), chain.end(), absolute) != chain.end()) {
    problems.add(name.mark, "extends: '" + name.text + "' extends itself");
    return;
  }
  if (!is_file(base)) {
    problems.add(name.mark, "extends: no file '" + base.string() + "'");
    return;
  }
  layering.merge_sweep(under, load_with_extended(base, chain, layering, problems));
}

Node load_with_extended(const fs::path& file, std::vector<fs::path> chain, const Layering& layering,
                        ProblemList& problems) {
  chain.push_back(followed(file));
  Node own = read_yaml_file(file, "a sweep file", problems);
  if (!own.is_map()) return own;
  flatten_parameters(own, problems);
  const Node* extends = own.get("extends");
  if (extends == nullptr) return own;
  Node merged;
  merged.kind = Node::Kind::kMap;
  merged.mark = own.mark;
  if (extends->is_list()) {
    for (const Node& name : extends->items) extend(merged, name, chain, layering, problems);
  } else {
    extend(merged, *extends, chain, layering, problems);
  }
  own.erase("extends");
  layering.merge_sweep(merged, own);
  return merged;
}

bool is_axis_word(const std::string& word) {
  const auto words = key_names("axis");
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Keys of `parameters` are dotted themselves: {"parameters", "optimizer.lr", "values"}.
std::vector<std::string> join_axis_key(std::vector<std::string> path) {
  const auto parameters = std::find(path.begin(), path.end(), "parameters");
  if (parameters == path.end() || path.end() - parameters < 2) return path;
  std::vector<std::string> joined(path.begin(), parameters + 1);
  const bool detail = path.end() - parameters > 2 && is_axis_word(path.back());
  std::string key;
  for (auto part = parameters + 1; part != path.end() - (detail ? 1 : 0); ++part) {
    key += (key.empty() ? "" : ".") + *part;
  }
  joined.push_back(key);
  if (detail) joined.push_back(path.back());
  return joined;
}

bool is_configuration(const std::string& key, const std::vector<std::string>& sections) {
  return key == "recipe" || key == "seed" ||
         std::find(sections.begin(), sections.end(), key) != sections.end();
}

// A configuration key of the whole sweep or ("stages.NAME.") of one stage.
std::optional<Override> as_override(const std::vector<std::string>& path, const Mark& mark,
                                    const Node& value, const std::vector<std::string>& sections) {
  const bool staged = path.size() > 2 && path[0] == "stages";
  const std::size_t skip = staged ? 2 : 0;
  if (!is_configuration(path[skip], sections)) return std::nullopt;
  return Override{staged ? path[1] : "",
                  {path.begin() + static_cast<std::ptrdiff_t>(skip), path.end()},
                  mark,
                  value};
}

int characters(std::string_view text) { return static_cast<int>(columns(text)); }

bool known_stage(const Node& root, const std::vector<std::string>& path, const Mark& mark,
                 ProblemList& problems) {
  if (path[0] != "stages" || path.size() < 2) return true;
  const Node* stages = root.get("stages");
  if (stages != nullptr && stages->find(path[1]) != nullptr) return true;
  std::vector<std::string> known;
  if (stages != nullptr) {
    for (const Entry& stage : stages->entries) known.push_back(stage.key);
  }
  problems.add(mark, "no stage '" + path[1] + "'" + suggest(path[1], known));
  return false;
}

void apply_override(SweepDocument& document, const std::string& text,
                    const std::vector<std::string>& sections, ProblemList& problems) {
  const std::size_t equals = text.find('=');
  const auto source = std::make_shared<const Source>(
      Source{"command line", fs::current_path(), text, characters(text.substr(0, equals)) + 1});
  const Mark mark{source, 0, 1};
  if (equals == std::string::npos || equals == 0) {
    problems.add(mark, "expected KEY=VALUE, such as training.epochs=1");
    return;
  }
  const auto path = join_axis_key(split_dotted(text.substr(0, equals)));
  Node value = read_yaml(text.substr(equals + 1), source, problems);
  if (path[0] == "extends") {
    problems.add(mark, "extends: cannot be set on the command line");
    return;
  }
  if (std::find(path.begin(), path.end(), "") != path.end()) {
    problems.add(mark, "'" + text.substr(0, equals) + "' has an empty part");
    return;
  }
  if (!known_stage(document.root, path, mark, problems)) return;
  if (auto found = as_override(path, mark, value, sections)) document.overrides.push_back(*found);
  set_at(document.root, path, mark, value);
}

}  // namespace

Description with_own_sections(Description installed) {
  ParamSpec command;
  command.name = "command";
  command.type = ParamType::kTextList;
  command.help = "the program that runs a trial, and its arguments";
  ParamSpec folder;
  folder.name = "cwd";
  folder.type = ParamType::kPath;
  folder.help = "the folder that the program runs in; the sweep file's by default";
  ParamSpec tracker;
  tracker.name = "tracker";
  tracker.choices = {"none", "wandb"};
  tracker.help = "what the program reports to; of wandb it gets a stand-in, which records here";
  installed.sections["worker"] = {command, folder, tracker};
  installed.sections["args"] = {};
  return installed;
}

std::vector<std::string> section_names(const Description& installed) {
  std::vector<std::string> names = {"model", "adapter", "task"};
  for (const auto& [name, specs] : installed.sections) names.push_back(name);
  return names;
}

Node read_yaml_file(const fs::path& file, std::string_view what, ProblemList& problems,
                    YamlDialect dialect) {
  const auto source = source_of(file);
  const Mark start{source, 0, 0};
  try {
    const std::size_t before = problems.size();
    Node root = read_yaml(read_file(file), source, problems, dialect);
    if (!root.is_map() && problems.size() == before) {
      problems.add(root.mark.line > 0 ? root.mark : start,
                   std::string(what) + " is a map of keys and values, not " + describe(root));
    }
    return root.is_map() ? root : Node();
  } catch (const Error& e) {
    problems.add({}, e.what());
    return {};
  }
}

SweepDocument load_sweep(const fs::path& file, const Description& installed,
                         const std::vector<std::string>& overrides, ProblemList& problems) {
  SweepDocument document;
  document.root = load_with_extended(file, {}, Layering(installed), problems);
  if (const auto what = foreign_file(document.root, section_names(installed)); !what.empty()) {
    throw SweepErrors({{document.root.mark.location(), what}});  // none of its keys would be known
  }
  problems.throw_if_any();  // a tree with holes would only breed follow-up problems
  document.text = read_file(file);
  const auto sections = section_names(installed);
  for (const std::string& text : overrides) {
    apply_override(document, text, sections, problems);
  }
  return document;
}

}  // namespace mvn
