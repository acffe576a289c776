// Recipes: named sections (optimizer, schedule, training) that lie under a sweep's own.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

// Whether the value of `recipe` is a file rather than a name: it has a '/' or ends in .yaml.
bool is_recipe_file(const std::string& name);

// Where the recipes that ship with mvn-runner are: installed, or in the source tree of a build.
std::vector<std::filesystem::path> shipped_recipe_folders();

class Recipes {
 public:
  // `sections`: what a recipe may hold; `folders`: where names are looked up, in this order.
  Recipes(std::vector<std::string> sections, std::vector<std::filesystem::path> folders,
          ProblemList& problems);

  // The recipe that a scalar names: NAME is NAME.yaml in `recipes/` beside the file that says so
  // or in the folders; a value with '/' or ending in .yaml is a file. A recipe that cannot be
  // found or read is a problem and counts as empty.
  const Node& find(const Node& name);

 private:
  [[nodiscard]] std::vector<std::filesystem::path> folders_for(const Node& name) const;
  [[nodiscard]] std::filesystem::path locate(const Node& name) const;
  Node read(const Node& name);

  std::vector<std::string> sections_;
  std::vector<std::filesystem::path> folders_;
  ProblemList& problems_;
  std::map<std::string, Node> read_;
};

}  // namespace mvn
