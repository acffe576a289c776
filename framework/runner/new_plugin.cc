#include "runner/new_plugin.h"

#include <algorithm>
#include <cctype>

#include "common/files.h"
#include "runner/command.h"

namespace mvn {
namespace {

// In these texts NAME is the plugin's name.
constexpr auto* kBuild = R"(cmake_minimum_required(VERSION 3.25)
project(NAME LANGUAGES CXX)
find_package(mvn 0.1 REQUIRED)
mvn_add_plugin(NAME SOURCES NAME.cc)
)";

constexpr auto* kSource =
    R"(// The adapter `NAME`: trains the parameters whose names end in `suffix`, and nothing else.
#include "mvn/adapter.h"

#include "mvn/error.h"
#include "mvn/plugin.h"

namespace {

class Adapter : public mvn::Adapter {
 public:
  explicit Adapter(const mvn::AdapterContext& context)
      : key_(context.params.key("suffix")), suffix_(context.params.get_text("suffix")) {}

  void attach(mvn::Model& model) override {
    bool found = false;
    for (auto& parameter : model.named_parameters()) {
      const bool chosen = parameter.key().ends_with(suffix_);
      parameter.value().set_requires_grad(chosen);
      found = found || chosen;
    }
    if (!found) {
      throw mvn::ConfigError(key_, "no parameter of the model ends in '" + suffix_ + "'");
    }
  }

  // It changes the model's own weights, so the whole model is saved and it has no files.
  bool keeps_base() const override { return false; }
  void save(const mvn::Model& /*model*/, const torch::nn::Module* /*head*/,
            const std::filesystem::path& /*folder*/, const std::string& /*base*/) const override {}
  void load(mvn::Model& /*model*/, torch::nn::Module* /*head*/,
            const std::filesystem::path& /*folder*/) override {}

 private:
  std::string key_;
  std::string suffix_;
};

void register_components(mvn::Registry& registry) {
  registry.add_adapter({
      .name = "NAME",
      .help = "trains the parameters of one kind",
      .params = {{.name = "suffix",
                  .type = mvn::ParamType::kText,
                  .default_value = "bias",
                  .help = "how the names of the trained parameters end"}},
      .make = [](const mvn::AdapterContext& context) { return std::make_unique<Adapter>(context); },
  });
}

}  // namespace

MVN_PLUGIN("NAME", "0.1.0", register_components);
)";

constexpr auto* kReadme = R"text(# NAME

A plugin for mvn-runner. It starts as an adapter that trains the biases of a model and nothing else.

Build it against mvn-runner as pip installed it, or against an installed tree and the LibTorch that it
was built with; then use it:

    cmake -G Ninja -B build -Dmvn_DIR="$(python -m mvn_runner --cmake-dir)"
    cmake -G Ninja -B build -DCMAKE_PREFIX_PATH="/path/to/mvn;/path/to/libtorch"

    cmake --build build
    mvn-runner plugins NAME --plugin-dir build
    mvn-runner sweep.yaml --plugin-dir build --set adapter.plugin=NAME

The headers in include/mvn of the installed tree say what a model, an adapter and a task must do.
)text";

std::string filled(std::string text, const std::string& name) {
  const std::string mark = "NAME";
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + name.size())) {
    text.replace(at, mark.size(), name);
  }
  return text;
}

bool is_name(const std::string& name) {
  return !name.empty() && std::islower(static_cast<unsigned char>(name[0])) != 0 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_';
         });
}

}  // namespace

void write_plugin(const std::string& name, const std::filesystem::path& parent, std::ostream& out) {
  if (!is_name(name)) {
    throw UsageError(
        "'" + name +
        "' is no name for a plugin: lower-case letters, digits and '_', a letter first");
  }
  const auto folder = parent / name;
  if (std::filesystem::exists(folder)) {
    throw UsageError(folder.string() + " exists already; choose another name");
  }
  write_file_atomically(folder / "CMakeLists.txt", filled(kBuild, name));
  write_file_atomically(folder / (name + ".cc"), filled(kSource, name));
  write_file_atomically(folder / "README.md", filled(kReadme, name));
  out << "wrote " << folder.string() << "; its README.md says how to build and use it" << std::endl;
}

}  // namespace mvn
