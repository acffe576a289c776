// `${...}` in the words of `worker: {command: [...]}` and in `args`: what a program of the user's
// is told of its trial. `$${` stands for the text `${`.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

// Words of a command that stand for all of `args`, each W&B's; none may be a part of a word.
const std::vector<std::string>& words_for_args();

// The text with each `${name}` replaced by what `value` has for it, and left as it is where that
// has nothing.
std::string filled(std::string_view text,
                   const std::function<std::optional<std::string>(std::string_view name)>& value);

// `args` with the seed for `${seed}`: an integer where it is a text of its own.
Json with_seed(const Json& args, std::int64_t seed);

// Adds a problem for each `${...}` of the command's words, or of a value of `args` at any depth,
// that means nothing there. Problems name `key`.
void check_command_words(const std::string& key, const Node& command, ProblemList& problems);
void check_args(const std::string& key, const Node& value, ProblemList& problems);

}  // namespace mvn
