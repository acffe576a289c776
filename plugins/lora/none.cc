#include "none.h"

#include <string_view>

#include "mvn/error.h"

namespace mvn {
namespace {

// Whether a parameter of this name trains.
using Trains = bool (*)(std::string_view name);

// Adds nothing to the model, some of which trains.
class Plain : public Adapter {
 public:
  explicit Plain(Trains trains) : trains_(trains) {}

  void attach(Model& model) override {
    for (auto& item : model.named_parameters()) item.value().requires_grad_(trains_(item.key()));
  }
  // There are no files of an adapter: a result is the whole model, with the task's head.
  [[nodiscard]] bool keeps_base() const override { return false; }
  void save(const Model& /*model*/, const torch::nn::Module* /*head*/,
            const std::filesystem::path& /*folder*/, const std::string& /*base*/) const override {}
  void load(Model& /*model*/, torch::nn::Module* /*head*/,
            const std::filesystem::path& /*folder*/) override {}

 private:
  Trains trains_;
};

bool always(std::string_view /*name*/) { return true; }
bool never(std::string_view /*name*/) { return false; }
bool is_bias(std::string_view name) { return name.ends_with(".bias"); }

// BitFit (Ben Zaken and others, 2022), by which SGPT's models were trained.
class Biases : public Plain {
 public:
  Biases() : Plain(is_bias) {}
  void attach(Model& model) override {
    Plain::attach(model);
    for (const auto& parameter : model.parameters()) {
      if (parameter.requires_grad()) return;
    }
    throw ConfigError("adapter.plugin", "bitfit trains biases, of which this model has none");
  }
};

}  // namespace

AdapterEntry none_entry() {
  return {.name = "none",
          .help = "no adapter: all of the model's parameters train",
          .params = {},
          .make = [](const AdapterContext&) { return std::make_unique<Plain>(always); }};
}

AdapterEntry frozen_entry() {
  return {.name = "frozen",
          .help = "no adapter, a linear probe: the task's head trains, the model does not",
          .params = {},
          .make = [](const AdapterContext&) { return std::make_unique<Plain>(never); }};
}

AdapterEntry bitfit_entry() {
  return {.name = "bitfit",
          .help = "no adapter: the biases of the model train, nothing else",
          .params = {},
          .make = [](const AdapterContext&) { return std::make_unique<Biases>(); }};
}

}  // namespace mvn
