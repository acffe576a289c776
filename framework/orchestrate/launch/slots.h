// The places of a machine where trials run: one per GPU, or the cores divided.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/description.h"
#include "orchestrate/sweep/plan.h"

namespace mvn {

struct Slot {
  std::string name;    // for people and the database: "cpu", "cuda:1"
  std::string device;  // as the worker in it sees the device: "cpu", "cuda:0"
  int threads = 1;
  std::map<std::string, std::string> environment;
};

// `devices` are those of Description, `cores` those this process may use, `width` the most trials
// that can run at the same time, `visible` the runner's own CUDA_VISIBLE_DEVICES ("" when unset).
// Throws ConfigError("resources.device") when what is asked for is not there.
std::vector<Slot> make_slots(const Resources& resources, const std::vector<std::string>& devices,
                             int cores, std::size_t width, const std::string& visible);

// The cores this process may use.
int usable_cores();

}  // namespace mvn
