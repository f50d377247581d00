// Pages of HTML that need no other file: their escaping, their look, and data inside of them.
//
// Tested by tests/unit/frontends/html/html_test.cc.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fble {

/// Returns the text with &, <, > and " as entities: for elements and for attributes in double quotes.
std::string escape_html(std::string_view text);

/// The colours that all pages share, as CSS variables for light and dark.
extern const std::string_view kHtmlColours;

/// Data for a page's script.
struct HtmlData {
  std::string id;    ///< of the element: letters and digits
  std::string text;  ///< what `pack_data` returned
};

/// A page with a script of its own.
struct ScriptPage {
  std::string title;
  std::string_view style;   ///< after kHtmlColours
  std::string_view script;  ///< runs when the document is complete
  std::string_view body;    ///< HTML
  std::span<const HtmlData> data;
};

/// Returns the page. Its content security policy allows its own style and script and nothing else, so no part of it
/// can make a request.
std::string script_page(const ScriptPage& page);

/// Returns the bytes compressed (gzip) and in base 64. The page's script decompresses them with DecompressionStream.
std::string pack_data(std::string_view bytes);

/// Returns the packed text of the data element of a page that `script_page` made; nothing if there is none.
std::optional<std::string> find_data(std::string_view page, std::string_view id);

}  // namespace fble
