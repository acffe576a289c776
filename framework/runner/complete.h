// What a shell offers for the word that is being typed: from the commands and options of mvn-runner
// themselves, and from the results folder that the words name.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace mvn {

// `words` are those behind "mvn-runner", the last one unfinished or empty. A line for each choice:
// the word, and after a tab what it is; or, in their place, what the shell is to offer itself:
//   ":files", ":files yaml yml" (of these endings, and folders), ":folders"
// Words come as a shell splits them; bash makes three of "--results=x".
std::vector<std::string> completions(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace mvn
