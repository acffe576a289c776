// search_draws AXES SEED DRAWS: draws as `method: bayes` does, without trials. AXES is what a sweep
// file has under `parameters`. Each draw is a line of JSON on standard output, an object from key
// to number or index of `values`; its value, the lower the better, is awaited on standard input.
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "orchestrate/search/tpe.h"
#include "orchestrate/sweep/random_axis.h"
#include "orchestrate/sweep/yaml_reader.h"

namespace mvn {
namespace {

struct Axis {
  std::string key;
  RandomAxis random;
};

std::vector<Axis> read_axes(const Node& root, ProblemList& problems) {
  std::vector<Axis> axes;
  for (const Entry& entry : root.entries) {
    auto random = read_random_axis(entry.key, entry.value, problems);
    if (random) axes.push_back({entry.key, std::move(*random)});
  }
  problems.throw_if_any();
  return axes;
}

Point random_point(const std::vector<Axis>& axes, std::int64_t seed, std::int64_t draw) {
  Point point;
  for (const Axis& axis : axes) {
    point.push_back(axis.random.draw(uniform_draw(axis.key, seed, draw)));
  }
  return point;
}

double value_of(const std::vector<Axis>& axes, const Point& point) {
  Json json;
  for (std::size_t i = 0; i < axes.size(); ++i) json[axes[i].key] = point[i];
  std::cout << json.dump() << std::endl;
  double value = 0;
  std::cin >> value;
  return value;
}

void run(const std::string& text, std::int64_t seed, std::int64_t draws) {
  ProblemList problems;
  const auto source =
      std::make_shared<const Source>(Source{"AXES", std::filesystem::current_path()});
  const Node root = read_yaml(text, source, problems);
  const auto axes = read_axes(root, problems);
  std::vector<Dimension> space;
  for (const Axis& axis : axes) space.push_back(axis.random.dimension);
  std::vector<Observation> seen;
  for (std::int64_t draw = 0; draw < draws; ++draw) {
    const auto drawn = draw_by_tpe(space, seen, draw_seed(seed, draw));
    const Point point = drawn ? *drawn : random_point(axes, seed, draw);
    seen.push_back({point, Observation::State::kFinished, value_of(axes, point), 0});
  }
}

}  // namespace
}  // namespace mvn

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: search_draws AXES SEED DRAWS" << std::endl;
    return 64;
  }
  mvn::run(argv[1], std::stoll(argv[2]), std::stoll(argv[3]));
}
