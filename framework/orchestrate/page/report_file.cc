#include "orchestrate/page/report_file.h"

#include <algorithm>
#include <vector>

#include "orchestrate/page/page_files.h"

namespace mvn {
namespace {

constexpr std::size_t kAllPoints = 150'000;  // of all metrics' curves

// What people look at first: what stages are judged by, then validation, test, training.
int place_of(const std::string& metric, const Json& stages) {
  for (const auto& stage : stages) {
    if (stage["metric"] == metric) return 0;
  }
  if (metric.starts_with("eval/")) return 1;
  if (metric.starts_with("test/")) return 2;
  return metric.starts_with("train/") ? 3 : 4;
}

std::vector<std::string> metrics_in_order(const Json& sections) {
  std::vector<std::pair<int, std::string>> ordered;
  for (const auto& metric : sections["metrics"]) {
    const auto name = metric["name"].get<std::string>();
    const bool counts = metric["kind"] == "count" || metric["kind"] == "share";
    ordered.emplace_back(place_of(name, sections["stages"]) + (counts ? 10 : 0), name);
  }
  std::ranges::sort(ordered);
  std::vector<std::string> names;
  for (const auto& [place, name] : ordered) names.push_back(name);
  return names;
}

std::size_t points_of(const Json& curves) {
  std::size_t points = 0;
  for (const auto& curve : curves["curves"]) points += curve["step"].size();
  return points;
}

// Of as many metrics as there is room for.
Json curves_of(PageData& data, const Json& sections) {
  Json curves = Json::object();
  std::size_t points = 0;
  for (const auto& name : metrics_in_order(sections)) {
    if (points >= kAllPoints) break;
    auto its = data.curves(name);
    if (its["curves"].empty()) continue;
    points += points_of(its);
    curves[name] = std::move(its);
  }
  return curves;
}

std::string element(const std::string& start, std::string_view content, const std::string& end) {
  return std::string("<").append(start).append(">").append(content).append("</").append(end).append(
      ">\n");
}

}  // namespace

std::string report_html(const std::filesystem::path& database, const PageRequest& request) {
  PageData data(database, request);
  Json sections = data.sections();
  Json curves = curves_of(data, sections);
  Json all = {{"curves", std::move(curves)},
              {"details", data.all_trials()},
              {"sections", std::move(sections)}};
  const auto json = script_safe(browser_json(std::move(all)));
  // Neither the results nor a mistake of ours can run a script or load a thing from elsewhere.
  const auto policy =
      "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data: blob:;"
      " script-src " +
      content_hash(page_file("plotly.js")) + ' ' + content_hash(page_file("page.js")) +
      "; style-src " + content_hash(page_file("page.css"));
  const auto head = "<meta http-equiv=\"Content-Security-Policy\" content=\"" + policy + "\">\n" +
                    element("style id=\"plotly.js-style-global\" class=\"no-inline-styles\"",
                            page_file("page.css"), "style");
  return page_html(head,
                   element("script type=\"application/json\" id=\"results\"", json, "script") +
                       element("script", page_file("plotly.js"), "script") +
                       element("script", page_file("page.js"), "script"));
}

}  // namespace mvn
