#include "runner/examples.h"

#include <algorithm>
#include <cctype>
#include <iomanip>
#include <map>
#include <set>
#include <sstream>
#include <vector>

#include "common/files.h"
#include "common/text.h"
#include "mvn/nearest.h"
#include "runner/command.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// In an installed tree, and in a checkout, where this program is in build/bin.
fs::path shipped_folder() {
  const auto prefix = executable_folder().parent_path();
  for (const auto& folder :
       {prefix / "share" / "mvn" / "experiments", prefix.parent_path() / "experiments"}) {
    if (fs::is_directory(folder)) return folder;
  }
  throw Error(prefix.string() + ": no examples came with this mvn-runner; install it again");
}

// Whether the file is nothing to start from: what a run made.
bool is_made(const fs::path& file) {
  return file.extension() == ".pyc" || file.extension() == ".db";
}

// Every file by its path below the folder.
std::map<std::string, std::string> shipped_files(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || is_made(entry.path())) continue;
    files[entry.path().lexically_relative(folder).string()] = read_file(entry.path());
  }
  return files;
}

std::vector<std::string> example_names(const std::map<std::string, std::string>& files) {
  std::vector<std::string> names;
  for (const auto& [path, text] : files) {
    if (path.ends_with(".yaml") && !path.starts_with("recipes/")) {
      names.push_back(path.substr(0, path.size() - 5));
    }
  }
  return names;
}

// The first sentence of the comment that it begins with.
std::string headline(const std::string& text) {
  std::istringstream lines(text);
  std::string comment;
  for (std::string line; std::getline(lines, line) && line.starts_with("# ");) {
    comment.append(line.substr(2)).append(" ");
  }
  const auto end = std::min(comment.find(". "), comment.find("? "));
  return comment.substr(0, end == std::string::npos ? end : end + 1);
}

bool is_word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '/';
}

// Whether `text` names the file: "prepare.py", "experiments/prepare.py", its folder below another
// one ("small/tokenizer"), or "import prepare" in Python.
bool names_file(const std::string& text, const std::string& path) {
  std::vector<std::string> spellings = {path, "experiments/" + path};
  const auto folder = path.substr(0, path.rfind('/') + 1);
  if (std::ranges::count(folder, '/') > 1) {
    spellings.push_back(folder.substr(0, folder.size() - 1));
  }
  if (path.ends_with(".py")) spellings.push_back("import " + path.substr(0, path.size() - 3));
  return std::ranges::any_of(spellings, [&](const std::string& name) {
    const auto at = text.find(name);
    if (at == std::string::npos) return false;
    const auto after = at + name.size();
    return (at == 0 || !is_word_character(text[at - 1])) &&
           (after == text.size() || !is_word_character(text[after]));
  });
}

// The sweep, what lies in a folder of experiments with it, and what one of those names.
std::set<std::string> needed_files(const std::map<std::string, std::string>& files,
                                   const std::string& sweep) {
  std::set<std::string> needed = {sweep};
  const auto folder = sweep.substr(0, sweep.rfind('/') + 1);
  for (const auto& [path, text] : files) {
    if (!folder.empty() && path.starts_with(folder)) needed.insert(path);
  }
  for (std::size_t before = 0; before != needed.size();) {
    before = needed.size();
    for (const auto& [path, text] : files) {
      const bool named = std::ranges::any_of(
          needed, [&](const std::string& each) { return names_file(files.at(each), path); });
      if (named) needed.insert(path);
    }
  }
  return needed;
}

}  // namespace

void list_examples(std::ostream& out) {
  const auto files = shipped_files(shipped_folder());
  const auto names = example_names(files);
  const auto longest = std::ranges::max(names, {}, &std::string::size).size();
  for (const auto& name : names) {
    out << std::left << std::setw(static_cast<int>(longest) + 2) << name
        << headline(files.at(name + ".yaml")) << "\n";
  }
  out << "\nmvn-runner examples NAME writes one, with what it needs, into the folder experiments"
      << std::endl;
}

void write_example(const std::string& name, const fs::path& folder, std::ostream& out) {
  const auto files = shipped_files(shipped_folder());
  const auto sweep = name + ".yaml";
  if (!files.contains(sweep) || sweep.starts_with("recipes/")) {
    throw UsageError("no example '" + name + "'" + suggest(name, example_names(files)));
  }
  const auto needed = needed_files(files, sweep);
  for (const auto& path : needed) {
    const auto target = folder / path;
    if (fs::exists(target) && read_file(target) != files.at(path)) {
      throw UsageError(target.string() +
                       " exists and is another file; --output names another folder");
    }
  }
  for (const auto& path : needed) {
    const auto target = folder / path;
    if (!fs::exists(target)) write_file_atomically(target, files.at(path));
    out << target.string() << "\n";
  }
  out << "\nNext: mvn-runner " << shell_text({(folder / sweep).string()}) << std::endl;
}

}  // namespace mvn
