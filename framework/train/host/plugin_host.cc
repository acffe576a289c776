// Opening a plugin, in this order, each step with its own message: the file opens, it exports
// `mvn_plugin`, the descriptor's api, size, LibTorch, compiler, C++ ABI and SDK are ours, and only
// then its code runs: register_components, into a registry of its own that is kept when it returns.
#include "train/host/plugin_host.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "common/files.h"
#include "mvn/error.h"
#include "mvn/nearest.h"
#include "mvn/plugin.h"
#include "train/sdk/library.h"

namespace mvn {

// What one plugin offers.
class Offers : public Registry {
 public:
  void add_model(ModelEntry entry) override { models.push_back(std::move(entry)); }
  void add_adapter(AdapterEntry entry) override { adapters.push_back(std::move(entry)); }
  void add_task(TaskEntry entry) override { tasks.push_back(std::move(entry)); }

  std::vector<ModelEntry> models;
  std::vector<AdapterEntry> adapters;
  std::vector<TaskEntry> tasks;
};

namespace {

namespace fs = std::filesystem;

// A plugin that cannot be used; what() is the reason without the file's name.
class Refused : public Error {
 public:
  using Error::Error;
};

// "…: undefined symbol: _ZN3foo3barEv" with the symbol as its author wrote it, and what it means.
std::string explain_symbol(const std::string& message) {
  static const std::string marker = "undefined symbol: ";
  const auto at = message.find(marker);
  if (at == std::string::npos) return message;
  const auto begin = at + marker.size();
  const auto end = std::min(message.find_first_of(" ,\t", begin), message.size());
  const std::string mangled = message.substr(begin, end - begin);
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> readable(
      abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), &std::free);
  return marker + "'" + (status == 0 ? std::string(readable.get()) : mangled) +
         "'; possibly built with another LibTorch or compiler";
}

// `built` and `here` introduce the two sides: "built for LibTorch ", "this mvn uses LibTorch ".
void expect_same(const std::string& built, const char* theirs, const std::string& here,
                 const std::string& ours) {
  const std::string value = theirs == nullptr ? "?" : theirs;
  if (value == ours) return;
  throw Refused(built + value + ", but " + here + ours + "; rebuild the plugin");
}

void check_descriptor(const PluginDescriptor& plugin) {
  if (plugin.api != kPluginApi) {
    throw Refused("built for plugin API " + std::to_string(plugin.api) +
                  ", but this mvn uses plugin API " + std::to_string(kPluginApi) +
                  "; rebuild the plugin");
  }
  if (plugin.size != sizeof(PluginDescriptor)) {
    throw Refused("its descriptor has " + std::to_string(plugin.size) +
                  " bytes, but this mvn's has " + std::to_string(sizeof(PluginDescriptor)) +
                  "; rebuild the plugin");
  }
  expect_same("built for LibTorch ", plugin.torch, "this mvn uses LibTorch ", TORCH_VERSION);
  expect_same("built with ", plugin.compiler, "this mvn uses ", MVN_COMPILER);
  if (plugin.cxx11_abi != _GLIBCXX_USE_CXX11_ABI) {
    throw Refused("built with _GLIBCXX_USE_CXX11_ABI=" + std::to_string(plugin.cxx11_abi) +
                  ", but this mvn uses " + std::to_string(_GLIBCXX_USE_CXX11_ABI) +
                  "; rebuild the plugin");
  }
  expect_same("built with the headers of mvn-runner ", plugin.sdk, "this is mvn-runner ",
              MVN_SDK_VERSION);
  if (plugin.name == nullptr || plugin.version == nullptr ||
      plugin.register_components == nullptr) {
    throw Refused("its descriptor has no name, version or register function; use MVN_PLUGIN");
  }
}

const PluginDescriptor& open_plugin(const fs::path& file) {
  const Library library(file);
  if (!library.is_open()) {
    throw Refused("cannot be opened: " + explain_symbol(library.error()));
  }
  const auto* const exported = library.find<const PluginDescriptor*>("mvn_plugin");
  if (exported == nullptr) {
    throw Refused("not an mvn plugin (it exports no 'mvn_plugin'; is MVN_PLUGIN missing?)");
  }
  const auto& plugin = *exported;
  check_descriptor(plugin);
  return plugin;
}

Offers offers_of(const PluginDescriptor& plugin) {
  Offers offers;
  try {
    plugin.register_components(offers);
  } catch (const std::exception& e) {
    throw Refused("failed while it registered its components: " + std::string(e.what()));
  } catch (...) {
    throw Refused("failed while it registered its components");
  }
  return offers;
}

// What every model has, whatever its plugin.
std::vector<ParamSpec> host_model_params() {
  return {
      {.name = "weights",
       .type = ParamType::kWeights,
       .help = "folder of pretrained weights in Hugging Face's layout, or another trial's model; "
               "absent: random weights"},
      {.name = "config",
       .type = ParamType::kObject,
       .help = "entries of config.json, laid over the one of the weights"},
      {.name = "tokenizer",
       .type = ParamType::kPath,
       .help = "folder of the tokenizer's files, or its tokenizer.json; default: the weights' "
               "folder"},
  };
}

std::vector<fs::path> plugin_files(const std::vector<fs::path>& folders) {
  std::vector<fs::path> files;
  std::set<std::string> seen;
  for (const auto& folder : folders) {
    if (!fs::is_directory(folder)) continue;
    std::vector<fs::path> here;
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".so") here.push_back(fs::absolute(entry.path()));
    }
    std::sort(here.begin(), here.end());
    for (auto& file : here) {
      if (seen.insert(file.filename().string()).second) {
        files.push_back(file.lexically_normal());
      }
    }
  }
  return files;
}

template <typename Entry>
const Entry* find_entry(const std::vector<Entry>& entries, const std::string& name) {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return entry.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

}  // namespace

std::vector<fs::path> plugin_folders(const std::vector<fs::path>& extra) {
  std::vector<fs::path> folders;
  for (const auto& folder : extra) {
    if (!fs::is_directory(folder)) {
      throw ConfigError("", "--plugin-dir " + folder.string() + ": no such folder");
    }
    folders.push_back(fs::absolute(folder));
  }
  if (const char* listed = std::getenv("MVN_PLUGIN_PATH")) {
    std::string_view rest = listed;
    while (!rest.empty()) {
      const auto colon = std::min(rest.find(':'), rest.size());
      // An empty or relative entry would mean the working directory.
      if (rest.starts_with('/')) folders.emplace_back(rest.substr(0, colon));
      rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
  }
  folders.push_back((executable_folder() / "../lib/mvn/plugins").lexically_normal());
  return folders;
}

struct PluginHost::State {
  std::vector<fs::path> folders;
  Offers all;
  std::vector<ComponentDescription> components;
  std::vector<RefusedPlugin> refused;

  void open(const fs::path& file);
  void add_component(const std::string& kind, const std::string& name, const std::string& help,
                     const std::vector<ParamSpec>& params, const PluginDescriptor& plugin,
                     const fs::path& file);
  [[noreturn]] void fail_unknown(const std::string& kind, const std::string& name) const;
};

void PluginHost::State::open(const fs::path& file) {
  Offers offers;
  const PluginDescriptor* plugin = nullptr;
  try {
    plugin = &open_plugin(file);
    offers = offers_of(*plugin);
  } catch (const Refused& e) {
    refused.push_back({file, e.what()});
    return;
  }
  for (auto& entry : offers.models) {
    for (auto& spec : host_model_params()) entry.params.push_back(std::move(spec));
    add_component("model", entry.name, entry.help, entry.params, *plugin, file);
    all.models.push_back(std::move(entry));
  }
  for (auto& entry : offers.adapters) {
    add_component("adapter", entry.name, entry.help, entry.params, *plugin, file);
    all.adapters.push_back(std::move(entry));
  }
  for (auto& entry : offers.tasks) {
    add_component("task", entry.name, entry.help, entry.params, *plugin, file);
    all.tasks.push_back(std::move(entry));
  }
}

void PluginHost::State::add_component(const std::string& kind, const std::string& name,
                                      const std::string& help, const std::vector<ParamSpec>& params,
                                      const PluginDescriptor& plugin, const fs::path& file) {
  for (const auto& known : components) {
    if (known.kind == kind && known.name == name) {
      throw Error(std::string(kind)
                      .append(" '")
                      .append(name)
                      .append("' is defined by both ")
                      .append(known.file.string())
                      .append(" and ")
                      .append(file.string())
                      .append("; remove one of them"));
    }
  }
  components.push_back({kind, name, help, plugin.name, plugin.version, file, params});
}

void PluginHost::State::fail_unknown(const std::string& kind, const std::string& name) const {
  const std::string key = kind + ".plugin";
  for (const auto& plugin : refused) {
    if (plugin.file.stem() == name) {
      throw ConfigError(key, "cannot use plugin " + plugin.file.string() + ": " + plugin.reason);
    }
  }
  std::vector<std::string> known;
  for (const auto& component : components) {
    if (component.kind == kind) known.push_back(component.name);
  }
  std::sort(known.begin(), known.end());
  std::string looked;
  for (const auto& folder : folders) looked += (looked.empty() ? "" : ", ") + folder.string();
  throw ConfigError(key, "no " + kind + " named '" + name + "'" + suggest(name, known) +
                             "; plugins were looked for in " + looked);
}

PluginHost::PluginHost(const std::vector<fs::path>& folders) : state_(std::make_unique<State>()) {
  state_->folders = folders;
  for (const auto& file : plugin_files(folders)) state_->open(file);
}

PluginHost::~PluginHost() = default;

const ModelEntry& PluginHost::model(const std::string& name) const {
  const auto* entry = find_entry(state_->all.models, name);
  if (entry == nullptr) state_->fail_unknown("model", name);
  return *entry;
}

const AdapterEntry& PluginHost::adapter(const std::string& name) const {
  const auto* entry = find_entry(state_->all.adapters, name);
  if (entry == nullptr) state_->fail_unknown("adapter", name);
  return *entry;
}

const TaskEntry& PluginHost::task(const std::string& name) const {
  const auto* entry = find_entry(state_->all.tasks, name);
  if (entry == nullptr) state_->fail_unknown("task", name);
  return *entry;
}

const std::vector<ComponentDescription>& PluginHost::components() const {
  return state_->components;
}

const std::vector<RefusedPlugin>& PluginHost::refused() const { return state_->refused; }

}  // namespace mvn
