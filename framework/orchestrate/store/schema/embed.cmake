# Writes OUTPUT, a C++ file that holds the SQL of FILES (relative to FOLDER) for schema.h. The
# migrations are the files that begin with a number, in its order.
list(SORT FILES COMPARE NATURAL)
set(migrations "")
foreach(file IN LISTS FILES)
  file(READ ${FOLDER}/${file} text)
  if(file MATCHES "views[.]sql$")
    set(views "${text}")
  elseif(file MATCHES "metric_kind[.]sql$")
    set(metric_kind "${text}")
  else()
    string(APPEND migrations "    R\"sql(${text})sql\",\n")
  endif()
endforeach()
file(WRITE ${OUTPUT} "// Made by embed.cmake from the SQL files beside it.
#include \"orchestrate/store/schema.h\"

namespace mvn {

const std::vector<std::string_view>& schema_migrations() {
  static const std::vector<std::string_view> kMigrations = {
${migrations}  };
  return kMigrations;
}

std::string_view schema_views() {
  return R\"sql(${views})sql\";
}

std::string_view schema_metric_kind() {
  return R\"sql(${metric_kind})sql\";
}

}  // namespace mvn
")
