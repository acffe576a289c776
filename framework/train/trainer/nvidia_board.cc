#include "train/trainer/nvidia_board.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "train/sdk/library.h"

namespace mvn {

// NVML's functions, of which each answers 0 where all is well.
class NvidiaBoard::Nvml {
 public:
  explicit Nvml(const std::string& name) {
    const Library library(name);
    const auto find = [&]<typename Function>(const char* symbol, Function& function) {
      function = library.find<Function>(symbol);
      return function != nullptr;
    };
    int (*init)() = nullptr;
    usable_ = find("nvmlInit_v2", init) && find("nvmlDeviceGetCount_v2", count) &&
              find("nvmlDeviceGetHandleByIndex_v2", by_index) &&
              find("nvmlDeviceGetHandleByUUID", by_uuid) && find("nvmlDeviceGetUUID", uuid) &&
              find("nvmlDeviceGetName", name_of) &&
              find("nvmlDeviceGetDeviceHandleFromMigDeviceHandle", board_of) &&
              find("nvmlDeviceGetTotalEnergyConsumption", energy) && init() == 0;
  }

  [[nodiscard]] bool usable() const { return usable_; }

  // The device of a number, a UUID or the beginning of a board's UUID; null where there is none.
  [[nodiscard]] void* find(const std::string& entry) const {
    void* device = nullptr;
    unsigned number = 0;
    const char* const last = entry.data() + entry.size();
    const auto [end, error] = std::from_chars(entry.data(), last, number);
    if (error == std::errc() && end == last) {
      return counts_as_cuda() && by_index(number, &device) == 0 ? device : nullptr;
    }
    if (by_uuid(entry.c_str(), &device) == 0) return device;
    return beginning_with(entry);
  }

  int (*count)(unsigned*) = nullptr;
  int (*by_index)(unsigned, void**) = nullptr;
  int (*by_uuid)(const char*, void**) = nullptr;
  int (*uuid)(void*, char*, unsigned) = nullptr;
  int (*name_of)(void*, char*, unsigned) = nullptr;
  int (*board_of)(void*, void**) = nullptr;
  int (*energy)(void*, unsigned long long*) = nullptr;

 private:
  [[nodiscard]] unsigned boards() const {
    unsigned all = 0;
    return count(&all) == 0 ? all : 0;
  }

  [[nodiscard]] bool counts_as_cuda() const {
    const char* const order = std::getenv("CUDA_DEVICE_ORDER");
    return boards() == 1 || (order != nullptr && std::string_view(order) == "PCI_BUS_ID");
  }

  [[nodiscard]] void* beginning_with(const std::string& entry) const {
    for (unsigned i = 0; i < boards(); ++i) {
      void* device = nullptr;
      std::array<char, 96> text{};
      if (by_index(i, &device) != 0 || uuid(device, text.data(), text.size()) != 0) continue;
      if (std::string_view(text.data()).starts_with(entry)) return device;
    }
    return nullptr;
  }

  bool usable_ = false;
};

std::string visible_entry(const std::string& device, const char* visible) {
  std::size_t index = 0;
  if (const auto colon = device.find(':'); colon != std::string::npos) {
    std::from_chars(device.data() + colon + 1, device.data() + device.size(), index);
  }
  if (visible == nullptr) return std::to_string(index);
  std::string_view rest = visible;
  for (; index > 0; --index) {
    const auto comma = rest.find(',');
    if (comma == std::string_view::npos) return {};
    rest.remove_prefix(comma + 1);
  }
  return std::string(rest.substr(0, rest.find(',')));
}

std::unique_ptr<NvidiaBoard> NvidiaBoard::open(const std::string& device,
                                               const std::string& library) {
  const auto entry = visible_entry(device, std::getenv("CUDA_VISIBLE_DEVICES"));
  if (device == "cpu" || entry.empty()) return nullptr;
  const auto nvml = std::make_shared<const Nvml>(library);
  void* const found = nvml->usable() ? nvml->find(entry) : nullptr;
  if (found == nullptr) return nullptr;
  void* board = nullptr;
  // An error for what is a board itself.
  if (nvml->board_of(found, &board) != 0) board = found;
  return std::unique_ptr<NvidiaBoard>(new NvidiaBoard(nvml, found, board));
}

std::string NvidiaBoard::name() const {
  std::array<char, 96> text{};
  return library_->name_of(device_, text.data(), text.size()) == 0 ? text.data() : "";
}

std::optional<double> NvidiaBoard::joules() const {
  unsigned long long millijoules = 0;
  if (library_->energy(board_, &millijoules) != 0) return std::nullopt;
  return static_cast<double>(millijoules) / 1e3;
}

}  // namespace mvn
