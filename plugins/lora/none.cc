#include "none.h"

namespace mvn {
namespace {

// Adds nothing to the model, all of which trains, or nothing.
class Plain : public Adapter {
 public:
  explicit Plain(bool trains) : trains_(trains) {}

  void attach(Model& model) override {
    for (auto& parameter : model.parameters()) parameter.requires_grad_(trains_);
  }
  // There are no files of an adapter: a result is the whole model, with the task's head.
  [[nodiscard]] bool keeps_base() const override { return false; }
  void save(const Model& /*model*/, const torch::nn::Module* /*head*/,
            const std::filesystem::path& /*folder*/, const std::string& /*base*/) const override {}
  void load(Model& /*model*/, torch::nn::Module* /*head*/,
            const std::filesystem::path& /*folder*/) override {}

 private:
  bool trains_;
};

AdapterEntry entry(std::string name, std::string help, bool trains) {
  return {.name = std::move(name),
          .help = std::move(help),
          .params = {},
          .make = [trains](const AdapterContext& /*context*/) {
            return std::make_unique<Plain>(trains);
          }};
}

}  // namespace

AdapterEntry none_entry() {
  return entry("none", "no adapter: all of the model's parameters train", /*trains=*/true);
}

AdapterEntry frozen_entry() {
  return entry("frozen", "no adapter, a linear probe: the task's head trains, the model does not",
               /*trains=*/false);
}

}  // namespace mvn
