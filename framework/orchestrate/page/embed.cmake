# Writes OUTPUT, a C++ file that holds FILES ("name=path" each) for page_files.h. The assembler reads
# them, which takes no time however large they are.
set(symbols "")
set(table "")
set(number 0)
foreach(entry IN LISTS FILES)
  string(REGEX MATCH "^([^=]+)=(.*)$" _ "${entry}")
  set(name "${CMAKE_MATCH_1}")
  set(path "${CMAKE_MATCH_2}")
  set(symbol "mvn_page_file_${number}")
  string(APPEND symbols "
__asm__(\".section .rodata\\n\"
        \".global ${symbol}_begin\\n\"
        \".hidden ${symbol}_begin\\n\"
        \"${symbol}_begin:\\n\"
        \".incbin \\\"${path}\\\"\\n\"
        \".global ${symbol}_end\\n\"
        \".hidden ${symbol}_end\\n\"
        \"${symbol}_end:\\n\"
        \".byte 0\\n\"
        \".text\\n\");
extern \"C\" const char ${symbol}_begin[];
extern \"C\" const char ${symbol}_end[];
")
  string(APPEND table "  if (name == \"${name}\") {
    return {${symbol}_begin, static_cast<std::size_t>(${symbol}_end - ${symbol}_begin)};
  }
")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "// Made by embed.cmake.
#include \"orchestrate/page/page_files.h\"

#include \"mvn/error.h\"
${symbols}
namespace mvn {

std::string_view page_file(std::string_view name) {
${table}  throw Error(\"no file of the page is called \" + std::string(name));
}

}  // namespace mvn
")
