// The values of `method` that draw from distributions. A new one is a file beside tpe.cc with its
// function, and a row in draw_methods().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrate/search/space.h"
#include "orchestrate/search/tpe.h"

namespace mvn {

struct DrawMethod {
  std::string name;  // `method: NAME`
  std::string help;  // a sentence
  // The next draw, a function of its arguments alone, or nothing where it is to be a random one. A
  // method without one draws everything at random, and all of it at once.
  std::optional<Point> (*next)(const std::vector<Dimension>& space,
                               const std::vector<Observation>& observations,
                               const std::string& seed) = nullptr;
  std::size_t startup = 0;  // random draws that come before the first of `next`

  [[nodiscard]] bool learns() const { return next != nullptr; }
};

const std::vector<DrawMethod>& draw_methods();
// nullptr where there is none.
const DrawMethod* draw_method(std::string_view name);

}  // namespace mvn
