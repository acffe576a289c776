#include "runner/complete.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "common/printable.h"
#include "orchestrate/store/choices.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostTrials = 500;

// "FORMAT" of "FORMAT:{table,json}".
std::string kind_of(const CLI::Option& option) {
  const auto type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

// "table" and "json" of it.
std::vector<std::string> members_of(const CLI::Option& option) {
  const auto type = option.get_type_name();
  const auto begin = type.find(":{");
  const auto end = type.rfind('}');
  std::vector<std::string> members;
  if (begin == std::string::npos || end == std::string::npos) return members;
  std::istringstream list(type.substr(begin + 2, end - begin - 2));
  for (std::string member; std::getline(list, member, ',');) members.push_back(member);
  return members;
}

bool takes_value(const CLI::Option& option) { return option.get_expected_max() > 0; }

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const auto& name : option.get_snames()) names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

class Completion {
 public:
  Completion(const CLI::App& app, const std::vector<std::string>& words)
      : app_(&app), word_(words.empty() ? "" : words.back()) {
    for (std::size_t i = 0; i + 1 < words.size(); ++i) read(words[i]);
    if (word_ == "=" && awaited_ != nullptr) word_.clear();  // bash, behind "--results="
  }

  std::vector<std::string> lines() {
    const auto equals = word_.find('=');
    if (awaited_ != nullptr) {
      offer_values(*awaited_);
    } else if (word_.starts_with("--") && equals != std::string::npos) {
      const auto* option = find_option(word_.substr(0, equals));
      before_ = word_.substr(0, equals + 1);
      word_.erase(0, equals + 1);
      if (option != nullptr) offer_values(*option);
    } else if (word_.starts_with("-")) {
      offer_options();
    } else {
      offer_commands();
      offer_positional();
    }
    return lines_;
  }

 private:
  // One of the words that are finished.
  void read(const std::string& word) {
    if (word == "=") return;  // what follows is still the value
    if (const auto* option = std::exchange(awaited_, nullptr)) {
      if (option->check_lname("results")) results_ = word;
      return;
    }
    if (word.starts_with("-")) {
      const auto equals = word.find('=');
      const auto* option = find_option(word.substr(0, equals));
      if (option == nullptr || !takes_value(*option)) return;
      if (equals == std::string::npos) {
        awaited_ = option;
      } else if (option->check_lname("results")) {
        results_ = word.substr(equals + 1);
      }
      return;
    }
    const auto commands = app_->get_subcommands({});
    const auto command = std::ranges::find(commands, word, &CLI::App::get_name);
    if (command != commands.end() && positionals_ == 0) {
      app_ = *command;
    } else {
      ++positionals_;
    }
  }

  // Options of a command are its own and those of the program.
  const CLI::Option* find_option(const std::string& name) const {
    for (const CLI::App* app = app_; app != nullptr; app = app->get_parent()) {
      for (const auto* option : app->get_options()) {
        const auto names = names_of(*option);
        if (std::ranges::find(names, name) != names.end()) return option;
      }
    }
    return nullptr;
  }

  void offer(const std::string& word, const std::string& help = "") {
    if (!word.starts_with(word_) || printable(word) != word) return;
    lines_.push_back(before_ + word + (help.empty() ? "" : "\t" + printable(help)));
  }
  void offer(const std::vector<Choice>& choices) {
    for (const auto& [word, help] : choices) offer(word, help);
  }

  void offer_options() {
    const bool root = app_->get_parent() == nullptr;
    for (const CLI::App* app = app_; app != nullptr; app = app->get_parent()) {
      for (const auto* option : app->get_options()) {
        if (option->nonpositional() && (root || app == app_ || is_common(*option))) {
          for (const auto& name : names_of(*option)) offer(name, option->get_description());
        }
      }
    }
  }

  // Of the program's own options those that mean something to every command.
  static bool is_common(const CLI::Option& option) {
    return option.check_lname("results") || option.check_lname("plugin-dir");
  }

  void offer_commands() {
    if (positionals_ > 0) return;
    for (const auto* command : app_->get_subcommands({})) {
      if (!command->get_group().empty()) offer(command->get_name(), command->get_description());
    }
  }

  void offer_positional() {
    std::size_t place = 0;
    for (const auto* option : app_->get_options()) {
      if (!option->get_positional()) continue;
      const bool last = option->get_items_expected_max() > 1;
      if (place++ == positionals_ || last) return offer_values(*option);
    }
  }

  void offer_values(const CLI::Option& option) {
    const auto members = members_of(option);
    for (const auto& member : members) offer(member);
    if (!members.empty()) return;
    const auto kind = kind_of(option);
    if (kind == "DIR") return lines_.emplace_back(":folders"), void();
    if (kind == "FILE" || kind == "OTHER") return lines_.emplace_back(":files"), void();
    if (kind == "SWEEP") offer(sweep_choices(results_));
    if (kind == "TRIAL") offer(trial_choices(results_, word_, kMostTrials));
    if (kind == "KEY") offer(parameter_choices(results_));
    if (kind == "METRIC") offer(metric_choices(results_));
    if (kind == "QUERY") offer(query_choices(results_));
    if (kind.starts_with("SWEEP.yaml")) lines_.emplace_back(":files yaml yml");
  }

  const CLI::App* app_;
  const CLI::Option* awaited_ = nullptr;  // its value is what comes
  std::string word_;
  std::string before_;  // of the word, what is finished: "--results="
  fs::path results_ = "results";
  std::size_t positionals_ = 0;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> completions(const CLI::App& app, const std::vector<std::string>& words) {
  return Completion(app, words).lines();
}

}  // namespace mvn
