#include "orchestrate/search/draw_method.h"

#include <algorithm>

namespace mvn {

const std::vector<DrawMethod>& draw_methods() {
  static const std::vector<DrawMethod> methods = {
      {"random", "draws from distributions, as many as run_cap says"},
      {"bayes", "the same, drawn as the sweep goes where results are good", draw_by_tpe,
       kStartupDraws}};
  return methods;
}

const DrawMethod* draw_method(std::string_view name) {
  const auto found = std::ranges::find(draw_methods(), name, &DrawMethod::name);
  return found == draw_methods().end() ? nullptr : &*found;
}

}  // namespace mvn
