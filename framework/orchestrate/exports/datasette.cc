// Datasette serves results.db itself. What is written are its two files of titles, descriptions and
// stored queries: metadata.yaml, and datasette.yaml, where Datasette 1.0 looks for the queries.
#include <yaml-cpp/yaml.h>

#include <set>

#include "common/files.h"
#include "orchestrate/exports/datasette_texts.h"
#include "orchestrate/exports/formats.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// What users called things stands in double quotes, escaped as YAML wants it.
void text(YAML::Emitter& yaml, const char* key, const std::string& value) {
  yaml << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << value;
}

void emit_queries(YAML::Emitter& yaml, const std::string& sweep) {
  yaml << YAML::Key << "queries" << YAML::Value << YAML::BeginMap;
  for (const auto& query : stored_queries()) {
    yaml << YAML::Key << std::string(query.name) << YAML::Value << YAML::BeginMap;
    text(yaml, "title", std::string(query.title));
    text(yaml, "description",
         std::string(query.description) + " Of the sweep " + sweep + " alone: type its name.");
    yaml << YAML::Key << "sql" << YAML::Value << YAML::Literal << std::string(query.sql);
    yaml << YAML::EndMap;
  }
  yaml << YAML::EndMap;
}

void emit_view(YAML::Emitter& yaml, const std::string& view, const std::string& description,
               const std::vector<std::string>& columns) {
  yaml << YAML::Key << YAML::DoubleQuoted << view << YAML::Value << YAML::BeginMap;
  text(yaml, "description", description);
  yaml << YAML::Key << "columns" << YAML::Value << YAML::BeginMap;
  for (const auto& column : columns) {
    const auto meaning = column_description(column);
    if (meaning.empty()) continue;
    yaml << YAML::Key << YAML::DoubleQuoted << column << YAML::Value << YAML::DoubleQuoted
         << std::string(meaning);
  }
  yaml << YAML::EndMap << YAML::EndMap;
}

void emit_views(YAML::Emitter& yaml, ExportSource& source) {
  const auto views = source.views();
  yaml << YAML::Key << "tables" << YAML::Value << YAML::BeginMap;
  for (const auto& table : source.own_tables()) {  // what the views are made of
    yaml << YAML::Key << YAML::DoubleQuoted << table << YAML::Value << YAML::BeginMap;
    yaml << YAML::Key << "hidden" << YAML::Value << true << YAML::EndMap;
  }
  for (const auto& [view, columns] : views) {
    const auto& known = described_views();
    const auto found = std::ranges::find(known, view, &DescribedView::name);
    if (found != known.end()) {
      emit_view(yaml, view, std::string(found->description), columns);
    } else if (view.starts_with("runs_")) {
      emit_view(yaml, view, "A trial of one sweep, with a column for each parameter it varies",
                columns);
    }
  }
  yaml << YAML::EndMap;
}

// A file whose one database is results.db by its name, as Datasette calls it.
void write_yaml(const fs::path& file, const ExportSource& source, const std::string& title,
                const std::function<void(YAML::Emitter&)>& emit_database) {
  YAML::Emitter yaml;
  yaml << YAML::BeginMap;
  if (!title.empty()) text(yaml, "title", title);
  yaml << YAML::Key << "databases" << YAML::Value << YAML::BeginMap;
  yaml << YAML::Key << YAML::DoubleQuoted << source.database().stem().string() << YAML::Value
       << YAML::BeginMap;
  emit_database(yaml);
  yaml << YAML::EndMap << YAML::EndMap << YAML::EndMap;
  replace_file(file, std::string(yaml.c_str()) + "\n");
}

void write_datasette(ExportSource& source, const fs::path& output, const ExportOptions&,
                     ExportReport& /*report*/) {
  const std::string& sweep = source.sweep().name;
  write_yaml(output / "metadata.yaml", source, "Results of " + sweep, [&](YAML::Emitter& yaml) {
    text(yaml, "description", "What mvn-runner recorded; begin with the view group_stats.");
    emit_queries(yaml, sweep);  // where Datasette before 1.0 looks for them
    emit_views(yaml, source);
  });
  write_yaml(output / "datasette.yaml", source, "",
             [&](YAML::Emitter& yaml) { emit_queries(yaml, sweep); });
}

}  // namespace

ExportFormat datasette_format() {
  return {.name = "datasette",
          .help = "Titles, descriptions and queries for Datasette, which serves results.db itself",
          .is_folder = true,
          .open =
              [](const std::string& output, const std::string& database) {
                return "datasette " + database + " --setting sql_time_limit_ms 60000 --metadata " +
                       output + "/metadata.yaml";
              },
          .write = write_datasette};
}

}  // namespace mvn
