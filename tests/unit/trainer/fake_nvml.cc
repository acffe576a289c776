// In the place of libnvidia-ml.so.1, on a machine of two boards. The second is cut up: its part is
// named by a UUID of its own. A board's counter grows by its number in joules at each look.
#include <cstdint>
#include <cstring>

namespace {

struct Device {
  const char* name;
  const char* uuid;
  unsigned board;
  unsigned long long joules;
};

Device devices[] = {{"NVIDIA One", "GPU-1a2b", 0, 0},
                    {"NVIDIA Two", "GPU-3c4d", 1, 0},
                    {"NVIDIA Two MIG 1g.10gb", "MIG-5e6f", 1, 0}};
constexpr int kInvalidArgument = 2;
constexpr int kNotFound = 6;

int copy(const char* from, char* to, unsigned room) {
  if (std::strlen(from) >= room) return kInvalidArgument;
  std::strcpy(to, from);
  return 0;
}

}  // namespace

extern "C" {

int nvmlInit_v2() { return 0; }
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = 2;
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device** device) {
  if (index >= 2) return kInvalidArgument;
  *device = &devices[index];
  return 0;
}
int nvmlDeviceGetHandleByUUID(const char* uuid, Device** device) {
  for (auto& each : devices) {
    if (std::strcmp(each.uuid, uuid) != 0) continue;
    *device = &each;
    return 0;
  }
  return kNotFound;
}
int nvmlDeviceGetUUID(Device* device, char* uuid, unsigned room) {
  return copy(device->uuid, uuid, room);
}
int nvmlDeviceGetName(Device* device, char* name, unsigned room) {
  return copy(device->name, name, room);
}
int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Device* part, Device** board) {
  if (std::strncmp(part->uuid, "MIG", 3) != 0) return kInvalidArgument;
  *board = &devices[part->board];
  return 0;
}
int nvmlDeviceGetTotalEnergyConsumption(Device* device, unsigned long long* millijoules) {
  if (std::strncmp(device->uuid, "MIG", 3) == 0) return kInvalidArgument;
  device->joules += device->board + 1;
  *millijoules = 1000 * device->joules;
  return 0;
}
}
