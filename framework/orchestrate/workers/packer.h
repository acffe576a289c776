// Several trials on one GPU, where their memory fits: probe, then pack.
//
// What a trial needs is measured: the first of each shape (KeyRoles::shape) runs alone on its GPU,
// and its peak is what others of its shape are taken to need. The runner trusts earlier runs, too.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "common/json.h"

namespace mvn {

struct PackingRules {
  int most_per_gpu = 1;        // trials
  std::int64_t per_trial = 0;  // bytes that every trial is taken to need; 0: measured
  std::map<std::string, std::int64_t> memory;  // bytes of each GPU by name; "cuda:0"
};

// Trials are named by their index in the plan.
class Packer {
 public:
  explicit Packer(PackingRules rules) : rules_(std::move(rules)) {}

  // Whether more than one trial at a time may run on `gpu`.
  [[nodiscard]] bool shares(const std::string& gpu) const;
  // Whether a trial of this shape may start on `gpu` beside those that run there.
  [[nodiscard]] bool fits(const std::string& gpu, std::size_t trial,
                          const std::string& shape) const;
  // Whether it would have the GPU to itself: nobody else's memory may be in use there.
  [[nodiscard]] bool needs_it_alone(std::size_t trial, const std::string& shape) const;

  void start(const std::string& gpu, std::size_t trial, const std::string& shape);
  // True where it shared the GPU at some time.
  bool end(const std::string& gpu, std::size_t trial);

  // A trial of this shape took so many bytes of a GPU at its peak; the largest counts.
  void learn(const std::string& shape, std::int64_t peak);
  // A trial that shared its GPU ran out of memory: its shape needs twice what was thought, and this
  // trial runs alone from now on.
  void learn_overflow(std::size_t trial, const std::string& shape);

  // What a trial of this shape is taken to need; 0: not known.
  [[nodiscard]] std::int64_t estimate(const std::string& shape) const;

 private:
  struct Tenant {
    std::int64_t bytes = 0;
    bool alone = false;
    bool shared = false;
  };

  PackingRules rules_;
  std::map<std::string, std::int64_t> estimates_;  // by shape
  std::map<std::string, std::map<std::size_t, Tenant>> tenants_;
  std::set<std::size_t> alone_;  // trials that ran out of memory beside others
};

}  // namespace mvn
