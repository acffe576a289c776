#include "orchestrate/sweep/recipes.h"

#include <algorithm>
#include <utility>

#include "common/files.h"
#include "mvn/nearest.h"
#include "orchestrate/sweep/document.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// A path under `folder` as messages spell it: from the sweep file's own spelling where possible.
fs::path beside(const Node& name, const fs::path& relative) {
  const fs::path& file = name.mark.source->file;
  if (name.mark.source->command_line()) return name.mark.source->folder / relative;
  return (file.parent_path() / relative).lexically_normal();
}

std::vector<std::string> names_in(const std::vector<fs::path>& folders) {
  std::vector<std::string> names;
  for (const fs::path& folder : folders) {
    std::error_code none;
    for (const auto& file : fs::directory_iterator(folder, none)) {
      if (file.path().extension() == ".yaml") names.push_back(file.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

bool is_recipe_file(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".yaml");
}

std::vector<fs::path> shipped_recipe_folders() {
  const auto prefix = executable_folder().parent_path();
  std::vector<fs::path> folders;
  for (const auto& folder : {prefix / "share" / "mvn" / "experiments" / "recipes",
                             prefix.parent_path() / "experiments" / "recipes"}) {
    if (fs::is_directory(folder)) folders.push_back(folder);
  }
  return folders;
}

Recipes::Recipes(std::vector<std::string> sections, std::vector<fs::path> folders,
                 ProblemList& problems)
    : sections_(std::move(sections)), folders_(std::move(folders)), problems_(problems) {}

const Node& Recipes::find(const Node& name) {
  const std::string key = name.mark.source->folder.string() + "\n" + name.text;
  const auto known = read_.find(key);
  return known != read_.end() ? known->second : read_.emplace(key, read(name)).first->second;
}

std::vector<fs::path> Recipes::folders_for(const Node& name) const {
  std::vector<fs::path> folders;
  if (!name.mark.source->command_line()) folders.push_back(beside(name, "recipes"));
  folders.insert(folders.end(), folders_.begin(), folders_.end());
  return folders;
}

fs::path Recipes::locate(const Node& name) const {
  if (is_recipe_file(name.text)) {
    fs::path file = beside(name, name.text);
    return is_file(file) ? file : fs::path();
  }
  for (const fs::path& folder : folders_for(name)) {
    fs::path file = folder / (name.text + ".yaml");
    if (is_file(file)) return file;
  }
  return {};
}

Node Recipes::read(const Node& name) {
  const fs::path file = locate(name);
  if (file.empty() && is_recipe_file(name.text)) {
    problems_.add(name.mark, "recipe: no file '" + beside(name, name.text).string() + "'");
    return {};
  }
  if (file.empty()) {
    problems_.add(name.mark, "recipe: unknown recipe '" + name.text + "'" +
                                 suggest(name.text, names_in(folders_for(name))));
    return {};
  }
  Node recipe = read_yaml_file(file, "a recipe", problems_);
  for (const Entry& entry : recipe.entries) {
    if (entry.key == "description") continue;
    if (std::find(sections_.begin(), sections_.end(), entry.key) == sections_.end()) {
      problems_.add(entry.mark,
                    "a recipe has no section '" + entry.key + "'" + suggest(entry.key, sections_));
    } else if (!entry.value.is_map() && !entry.value.is_null()) {
      problems_.add(entry.value.mark,
                    entry.key + ": expected a map of parameters, got " + describe(entry.value));
    }
  }
  return recipe;
}

}  // namespace mvn
