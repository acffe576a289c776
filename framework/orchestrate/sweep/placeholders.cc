#include "orchestrate/sweep/placeholders.h"

#include <algorithm>

#include "mvn/nearest.h"

namespace mvn {
namespace {

constexpr std::string_view kOpening = "${";

// Calls `plain` for the texts between placeholders and `name` for those.
template <typename Plain, typename Name>
void split(std::string_view text, Plain plain, Name name) {
  while (!text.empty()) {
    const auto open = text.find(kOpening);
    if (open != text.npos && open > 0 && text[open - 1] == '$') {
      plain(text.substr(0, open - 1));
      plain(kOpening);
      text.remove_prefix(open + kOpening.size());
      continue;
    }
    const auto close = open == text.npos ? open : text.find('}', open);
    if (close == text.npos) return plain(text);
    plain(text.substr(0, open));
    name(text.substr(open + kOpening.size(), close - open - kOpening.size()));
    text.remove_prefix(close + 1);
  }
}

std::string shown(std::string_view name) { return "'${" + std::string(name) + "}'"; }

std::string or_as_text(std::string_view name) {
  return "; the text itself is written $${" + std::string(name) + "}";
}

void check(const std::string& key, const Node& node, const std::vector<std::string>& known,
           ProblemList& problems) {
  const auto check_name = [&](std::string_view name) {
    if (std::ranges::find(known, name) != known.end()) return;
    const auto& all = words_for_args();
    if (std::ranges::find(all, name) != all.end()) {
      problems.add(node.mark, key + ": " + shown(name) +
                                  " stands for several words: write it as a word of its own in "
                                  "worker.command");
      return;
    }
    problems.add(node.mark,
                 key + ": unknown " + shown(name) + suggest(name, known) + or_as_text(name));
  };
  split(
      node.text, [](std::string_view) {}, check_name);
}

}  // namespace

const std::vector<std::string>& words_for_args() {
  static const std::vector<std::string> words = {
      "args",      "args_no_hyphens",   "args_no_equals",     "args_no_boolean_flags",
      "args_json", "args_append_hydra", "args_override_hydra"};
  return words;
}

std::string filled(std::string_view text,
                   const std::function<std::optional<std::string>(std::string_view name)>& value) {
  std::string result;
  split(
      text, [&](std::string_view part) { result += part; },
      [&](std::string_view name) {
        const auto known = value(name);
        result += known ? *known : std::string(kOpening) + std::string(name) + "}";
      });
  return result;
}

Json with_seed(const Json& args, std::int64_t seed) {
  if (args.is_structured()) {
    Json result = args;
    for (auto& item : result) item = with_seed(item, seed);
    return result;
  }
  if (!args.is_string()) return args;
  const auto& text = args.get_ref<const std::string&>();
  if (text == "${seed}") return seed;
  return filled(text, [&](std::string_view name) {
    return name == "seed" ? std::optional(std::to_string(seed)) : std::nullopt;
  });
}

void check_command_words(const std::string& key, const Node& command, ProblemList& problems) {
  static const std::vector<std::string> within = {"seed", "trial"};
  static const std::vector<std::string> alone = [] {
    auto words = words_for_args();
    words.insert(words.end(), within.begin(), within.end());
    return words;
  }();
  const auto check_word = [&](const Node& word) {
    const bool whole =
        word.text.starts_with(kOpening) && word.text.find('}') + 1 == word.text.size();
    check(key, word, whole ? alone : within, problems);
  };
  if (command.is_scalar()) check_word(command);
  for (const Node& word : command.items) check_word(word);
}

void check_args(const std::string& key, const Node& value, ProblemList& problems) {
  static const std::vector<std::string> known = {"seed"};
  if (value.is_scalar()) check(key, value, known, problems);
  for (const Node& item : value.items) check_args(key, item, problems);
  for (const Entry& entry : value.entries) check_args(key + "." + entry.key, entry.value, problems);
}

}  // namespace mvn
