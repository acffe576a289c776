// Adapter: what an adapter plugin implements.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "mvn/model.h"
#include "mvn/params.h"
#include "mvn/torch.h"

namespace mvn {

struct AdapterContext {
  const Params& params;
  torch::Generator generator;  // for the adapter's random start
  HeadKind head;               // what the task will put on top
  // Takes one line that the user should see though nothing is wrong; may be empty.
  std::function<void(const std::string&)> warn = {};
};

// A task's head in the files that an adapter starts from.
struct SavedHead {
  std::map<std::string, torch::Tensor> tensors;  // by their names ("score.weight"); empty: no head
  std::string key;                               // of the configuration that names the files
  std::filesystem::path folder;                  // where the files are
};

// What an adapter's own files say of what they belong to.
struct AdapterFiles {
  std::string base;              // the base model that they name; may be empty
  std::optional<HeadKind> head;  // that the adapter was trained under, where they say
  std::int64_t classes = 0;      // of the classifier's head that they hold; 0: none
};

// Picks parameters of a model and makes them trainable; everything else is frozen. One instance
// serves one model.
class Adapter {
 public:
  Adapter() = default;
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;
  virtual ~Adapter();

  // Called once, after the model's weights are in place on the device where it trains: attaches to
  // the model's layers and sets requires_grad on every parameter. Throws ConfigError
  // ("adapter.target_modules") when nothing matches. A persistent worker gives the memory of frozen
  // weights to the next trial too, unless they were written to: write through a tensor's own
  // operations (copy_), which it notices.
  virtual void attach(Model& model) = 0;

  // The head that the adapter's files hold, after attach(). The trainer fills the task's head with
  // it, row by row as the classes are named. Default: none.
  [[nodiscard]] virtual SavedHead saved_head() const;

  // True where the adapter leaves the base weights frozen, so that saving the adapter's own files
  // is enough.
  [[nodiscard]] virtual bool keeps_base() const = 0;

  // Writes the adapter's own files into `folder` (PEFT: adapter_config.json and
  // adapter_model.safetensors, with `head`'s parameters as modules_to_save; head may be null).
  // `base` is what the files name as the base model. An adapter that trains the base writes
  // nothing.
  virtual void save(const Model& model, const torch::nn::Module* head,
                    const std::filesystem::path& folder, const std::string& base) const = 0;
  // Reads what save() wrote into an attached model. Missing or extra tensors are a DataError.
  virtual void load(Model& model, torch::nn::Module* head, const std::filesystem::path& folder) = 0;

  // Adds what the adapter does to the base weights and takes it off the model, which then computes
  // the same without it. Nothing can be trained, saved or loaded through this instance afterwards.
  // Default: nothing to merge.
  virtual void merge(Model& model);
};

}  // namespace mvn
