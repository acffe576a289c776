// A base model and a PEFT adapter made into one plain checkpoint.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "mvn/value.h"
#include "train/host/plugin_host.h"

namespace mvn {

struct MergeRequest {
  std::filesystem::path adapter;  // folder of adapter_config.json and its tensors
  std::filesystem::path model;    // the base; empty: the one that the adapter names
  std::filesystem::path output;   // absent or an empty folder
  std::string dtype;              // "float32", "bfloat16" or "float16"; empty: the base's own
  std::string plugin;             // reads the base; empty: the one that reads its model_type
  Value::Map config;              // laid over the base's config.json
};

// Writes config.json, model.safetensors and the tokenizer's files, which transformers opens. The
// sum is made in float32 and rounded once. Throws ConfigError ("--adapter", "--model", ...) or
// DataError; then nothing was written. `warn` takes one line for the user.
void merge_adapter(const PluginHost& host, const MergeRequest& request,
                   const std::function<void(const std::string&)>& warn);

}  // namespace mvn
