// A worker whose trials end at once: what a sweep over it takes is mvn-runner's own time. It speaks
// the whole protocol of a persistent worker, and each trial reports a start, its metric and an end.
#include <unistd.h>

#include <iostream>
#include <string>

#include "common/description.h"
#include "common/spool.h"
#include "common/trial.h"

namespace mvn {
namespace {

ComponentDescription component(const std::string& kind, const std::string& name) {
  ComponentDescription component;
  component.kind = kind;
  component.name = name;
  component.plugin = name;
  component.version = "1";
  if (kind == "task") {
    ParamSpec x;
    x.name = "x";
    x.type = ParamType::kInt;
    component.params.push_back(x);
  }
  return component;
}

void describe() {
  Description description;
  description.devices = {"cpu"};
  description.components = {component("model", "noop"), component("adapter", "none"),
                            component("task", "noop")};
  std::cout << to_json(description).dump() << std::endl;
}

void check() {
  Json results = Json::array();
  for (std::size_t left = Json::parse(std::cin).size(); left > 0; --left) {
    results.push_back({{"errors", Json::array()}, {"warnings", Json::array()}});
  }
  std::cout << results.dump() << std::endl;
}

void run(const TrialFile& trial) {
  SpoolWriter spool(trial.spool);
  spool.write(StartRecord{::getpid(), "localhost", 0});
  spool.write(MetricRecord{1, {{"eval/loss", trial.config.at("task").at("x").get<double>()}}});
  spool.write(EndRecord{0, ""});
}

void serve() {
  for (std::string line; std::getline(std::cin, line);) {
    const Json request = Json::parse(line);
    run(read_trial_file(request.at("trial").get<std::string>()));
    const Json reply = {{"trial", request.at("trial")}, {"code", 0}, {"message", ""}};
    std::cout << reply.dump() << std::endl;
  }
}

}  // namespace
}  // namespace mvn

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "describe") {
    mvn::describe();
  } else if (verb == "check") {
    mvn::check();
  } else {
    mvn::serve();
  }
}
