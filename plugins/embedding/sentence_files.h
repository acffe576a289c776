// The files by which sentence-transformers knows how a model's hidden states become a vector.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "pooling.h"

namespace mvn {

// The file by which such a folder is known.
inline constexpr const char* kSentenceModules = "modules.json";

struct SentenceSettings {
  Pooling pooling = Pooling::kLast;
  bool normalize = true;
  std::map<std::string, std::string> prompts = {};  // what stands before a text, by its name
  std::string default_prompt = {};                  // one of these names, or empty
  std::vector<std::filesystem::path> files = {};    // that say so
};

// What modules.json of `folder` and the files that it names say. Throws
// ConfigError(key) where there are none, or where they ask for more than a pooling and a
// normalisation.
SentenceSettings read_sentence_files(const std::filesystem::path& folder, const std::string& key);

// Writes them beside a model of this width. `max_length` 0: the model's own.
void write_sentence_files(const std::filesystem::path& folder, const SentenceSettings& settings,
                          std::int64_t width, std::int64_t max_length);

}  // namespace mvn
