// Vectors of texts, from a trained model into a file.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "common/json.h"
#include "train/host/plugin_host.h"

namespace mvn {

struct EmbedRequest {
  std::filesystem::path folder;  // of a model or of a PEFT adapter
  std::filesystem::path base;    // the adapter's; empty: the one that it names
  std::string plugin;            // of the model; empty: the one that reads its model_type
  Json model_config;             // laid over the model's config.json; may be null
  Json task;                     // of the plugin `embedding`: texts, pooling, ...
  Json training;                 // max_length, precision, micro_batch_size
  std::filesystem::path output;  // .npy or .safetensors
  std::string device;            // empty: the first GPU where there is one, else the CPU
  int threads = 1;
};

// Throws DataError for what is no request.
EmbedRequest read_embed_request(const Json& request);

// How far it is, in texts.
struct EmbedProgress {
  std::int64_t done = 0;
  std::int64_t texts = 0;
  std::int64_t width = 0;
};

// Writes the vectors, in the order of the texts; the same numbers whatever came in between. What a
// process that was stopped or killed had written is gone on with. Returns false where `stop` was
// set. Throws ConfigError ("--output", ...) and DataError. `warn` takes one line for the user.
bool embed_texts(const PluginHost& host, const EmbedRequest& request,
                 const std::function<void(const EmbedProgress&)>& show,
                 const std::function<void(const std::string&)>& warn,
                 const std::atomic<bool>& stop);

}  // namespace mvn
