# Writes OUTPUT, a C++ file that holds the SQL of FILES for ready_queries.h, each called as its file.
list(SORT FILES COMPARE NATURAL)
set(queries "")
foreach(file IN LISTS FILES)
  file(READ ${file} text)
  get_filename_component(name ${file} NAME_WE)
  string(APPEND queries "      {\"${name}\", R\"sql(${text})sql\"},\n")
endforeach()
file(WRITE ${OUTPUT} "// Made by ready_queries.cmake from results/queries.
#include \"orchestrate/store/ready_queries.h\"

namespace mvn {

const std::vector<ReadyQuery>& ready_queries() {
  static const std::vector<ReadyQuery> kQueries = {
${queries}  };
  return kQueries;
}

}  // namespace mvn
")
