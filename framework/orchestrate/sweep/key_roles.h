// What the runner must know of a configuration, by the roles of its keys and not by their names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/description.h"

namespace mvn {

class KeyRoles {
 public:
  KeyRoles() = default;  // of keys that have none
  explicit KeyRoles(const Description& installed);

  // Examples of a forward pass: as the configuration says, or by default; 0 where that is not
  // known, as of a program of the user's that does not say.
  [[nodiscard]] std::int64_t micro_batch(const Json& config) const;
  // As the configuration says; 0 where it does not.
  [[nodiscard]] std::int64_t stated_micro_batch(const Json& config) const;
  // With that micro-batch, and with half of what it has: the batch stays. Nothing where it cannot
  // shrink.
  [[nodiscard]] Json with_micro_batch(Json config, std::int64_t size) const;
  [[nodiscard]] std::optional<Json> with_half_micro_batch(const Json& config) const;
  // "training.micro_batch_size 8"
  [[nodiscard]] std::string micro_batch_text(const Json& config) const;

  // What of a configuration decides the time of a step and the memory that it needs: everything
  // but seeds, real numbers (learning rates, dropout), how long it trains, and what says that it is
  // of no account.
  [[nodiscard]] Json shape(const Json& config) const;
  // The steps that a trial of `config` takes, where an earlier one of the same shape took `steps`
  // with `earlier`. 0: not known.
  [[nodiscard]] std::int64_t steps_like(const Json& config, const Json& earlier,
                                        std::int64_t steps) const;

 private:
  struct Key {
    std::string section;
    std::string name;
    ParamRole role = ParamRole::kNone;
    Value standard;  // its default
  };
  [[nodiscard]] const Key* of(ParamRole role) const;
  // The number that a configuration has for the key of a role; 0 where it has none.
  [[nodiscard]] double number(const Json& config, ParamRole role) const;

  std::vector<Key> keys_;
};

}  // namespace mvn
