// Registry: where a plugin says what it offers.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mvn/adapter.h"
#include "mvn/model.h"
#include "mvn/params.h"
#include "mvn/task.h"

namespace mvn {

struct ModelEntry {
  std::string name;                      // as the sweep file spells it: "mamba"
  std::string help;                      // one line
  std::vector<std::string> model_types;  // config.json's model_type values that it reads
  std::vector<ParamSpec> params;         // the host adds weights, config and tokenizer
  std::function<std::shared_ptr<Model>(const ModelContext&)> make;
};

struct AdapterEntry {
  std::string name;
  std::string help;
  std::vector<ParamSpec> params;
  std::function<std::unique_ptr<Adapter>(const AdapterContext&)> make;
  // The file by which a folder that this adapter saved is known, and what such a folder says; empty
  // where the adapter writes none. Its parameter "weights" then names a folder to start from.
  std::string config_file = {};
  std::function<AdapterFiles(const std::filesystem::path& folder)> read_files = {};
};

struct TaskEntry {
  std::string name;
  std::string help;
  std::vector<ParamSpec> params;
  std::function<std::unique_ptr<Task>()> make;
  // A parameter that a sweep leaves open, and a file: it is then the folder of adapter.weights,
  // else of model.weights, which has that file.
  std::map<std::string, std::string> from_weights = {};
};

// Two components of one kind and name are an error that names both files.
class Registry {
 public:
  virtual ~Registry();
  virtual void add_model(ModelEntry entry) = 0;
  virtual void add_adapter(AdapterEntry entry) = 0;
  virtual void add_task(TaskEntry entry) = 0;
};

}  // namespace mvn
