#include "prompts.h"

#include <string_view>
#include <utility>

#include "mvn/error.h"

namespace mvn {
namespace {

constexpr std::string_view kPlace = "{text}";

Prompt prompt_of(const Params& params, const std::string& name, const Prompt& otherwise) {
  return params.has(name) ? Prompt(params.get_text(name), params.key(name)) : otherwise;
}

}  // namespace

Prompt::Prompt(const std::string& pattern, const std::string& key) {
  const auto at = pattern.find(kPlace);
  if (at == std::string::npos || pattern.find(kPlace, at + 1) != std::string::npos) {
    throw ConfigError(key, "needs {text} once, where each text goes, got '" + pattern + "'");
  }
  before_ = pattern.substr(0, at);
  after_ = pattern.substr(at + kPlace.size());
}

Prompt Prompt::in_front(std::string before) {
  Prompt prompt;
  prompt.before_ = std::move(before);
  return prompt;
}

std::map<std::string, std::string> Prompts::by_name() const {
  std::map<std::string, std::string> all;
  const auto add = [&](const std::string& name, const Prompt& prompt) {
    if (!prompt.prefix().empty()) all[name] = prompt.prefix();
  };
  for (const auto& [name, prompt] : others) add(name, prompt);
  add("query", query);
  add("document", document);
  return all;
}

Prompts read_prompts(const Params& params, const SentenceSettings& settings) {
  Prompts prompts;
  for (const auto& [name, before] : settings.prompts) {
    prompts.others[name] = Prompt::in_front(before);
  }
  prompts.query = prompt_of(params, "query_prompt", prompts.others["query"]);
  if (params.has("instruction")) {
    prompts.query = Prompt::in_front("Instruct: " + params.get_text("instruction") + "\nQuery: ");
  }
  prompts.document = prompt_of(params, "document_prompt", prompts.others["document"]);
  prompts.sts = prompt_of(params, "sts_prompt", prompts.query);
  prompts.probe = prompt_of(params, "probe_prompt", prompts.query);
  return prompts;
}

Prompt prompt_of_texts(const Params& params, const Prompts& prompts,
                       const SentenceSettings& settings) {
  const std::string name =
      params.has("texts_prompt") ? params.get_text("texts_prompt") : settings.default_prompt;
  if (name.empty()) return {};
  if (name.find(kPlace) != std::string::npos) return Prompt(name, params.key("texts_prompt"));
  if (name == "query") return prompts.query;
  if (name == "document") return prompts.document;
  const auto found = prompts.others.find(name);
  if (found != prompts.others.end()) return found->second;
  std::string known = "query, document";
  for (const auto& [other, prompt] : prompts.others) {
    if (other != "query" && other != "document") known += ", " + other;
  }
  throw ConfigError(params.key("texts_prompt"), "there is no prompt '" + name + "' (known: " +
                                                    known + "); or write one, with {text} in it");
}

std::vector<ParamSpec> prompt_params() {
  return {
      {.name = "instruction",
       .help = "what the queries ask, in a sentence: e5's prompt of it stands before each query, "
               "\"Instruct: ...\", a line end and \"Query: \"",
       .excludes = {"query_prompt"}},
      {.name = "query_prompt",
       .help = "how anchors and queries are written, with {text} for the text (default: as they "
               "are)"},
      {.name = "document_prompt", .help = "the same for positives, negatives and documents"},
      {.name = "sts_prompt",
       .help = "the same for both texts of the pairs of validation_sts and test_sts (default: the "
               "queries')"},
      {.name = "probe_prompt",
       .help = "the same for the texts of probes and clusters (default: the queries')"},
  };
}

}  // namespace mvn
