// The page's own files (web/) and plotly.js, which the program holds within it.
#pragma once

#include <string>
#include <string_view>

#include "common/json.h"

namespace mvn {

// "page.html", "page.css", "page.js" or "plotly.js".
std::string_view page_file(std::string_view name);

// As a Content-Security-Policy allows a script or style by it: 'sha256-...'.
std::string content_hash(std::string_view text);

// As a browser reads it: its numbers are doubles, so integers that these do not hold are texts.
std::string browser_json(Json json);

// JSON as the text of a <script>: no character of it ends the element or begins another, whatever
// the texts in it are.
std::string script_safe(std::string json);

// The page with its title, and what goes into its head (a policy, a style) and to its end (scripts)
// as they are.
std::string page_html(std::string_view head, std::string_view scripts);

}  // namespace mvn
