// A task's head out of files: which of its rows is which class of the data.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "mvn/adapter.h"
#include "mvn/torch.h"
#include "mvn/value.h"

namespace mvn {

// A head as files hold it.
struct FoundHead {
  std::map<std::string, torch::Tensor> tensors;  // by their names; empty: no head
  std::vector<std::string> classes;              // of the rows; empty: nobody named them
  std::string key;                               // of the configuration that names the files
  std::filesystem::path files;
};

// The classes that a config.json names, by their indices, in id2label or else label2id.
std::vector<std::string> class_names(const Value::Map& config);

// The head that a trial starts from: the adapter's where its files have one, else the weights'.
// `config` is the model's config.json, overrides and all.
FoundHead find_head(const Adapter& adapter, const std::filesystem::path& weights,
                    std::map<std::string, torch::Tensor> weights_head, const Value::Map& config);

// Copies the rows of `found` into `head`, each to the class of its name among those that
// `task_config` names (Task::config()). Rows without names, or with those that transformers makes
// up (LABEL_0, LABEL_1, ...), fit classes that are called 0, 1, ... A task that names no classes
// gets the rows as they are. Throws ConfigError where names, their number or the shapes differ. A
// head on the device `meta` is only checked.
void fill_head(torch::nn::Module& head, const Value::Map& task_config, const FoundHead& found);

// Whether the configuration of a task wants no head out of files (task.head: new).
bool wants_new_head(const Value::Map& task);

}  // namespace mvn
