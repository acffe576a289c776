#include "none.h"

namespace mvn {
namespace {

class None : public Adapter {
 public:
  void attach(Model& model) override {
    for (auto& parameter : model.parameters()) parameter.requires_grad_(true);
  }
  [[nodiscard]] bool keeps_base() const override { return false; }
  void save(const Model& /*model*/, const torch::nn::Module* /*head*/,
            const std::filesystem::path& /*folder*/, const std::string& /*base*/) const override {}
  void load(Model& /*model*/, torch::nn::Module* /*head*/,
            const std::filesystem::path& /*folder*/) override {}
};

}  // namespace

AdapterEntry none_entry() {
  return {.name = "none",
          .help = "no adapter: all of the model's parameters train",
          .params = {},
          .make = [](const AdapterContext& /*context*/) { return std::make_unique<None>(); }};
}

}  // namespace mvn
