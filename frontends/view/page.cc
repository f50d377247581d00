#include "frontends/view/page.h"

#include <fmt/format.h>

#include <vector>

#include "frontends/html/gzip.h"
#include "frontends/html/html.h"

namespace fble {

// Compressed (cmake/embed.cmake).
extern const std::string_view kViewBody;    // view.html
extern const std::string_view kViewScript;  // view.js
extern const std::string_view kViewStyle;   // view.css

namespace {

constexpr const char* kRun = "run";
constexpr const char* kBefore = "before";

}  // namespace

std::string view_page(const ViewCollector::Json& data, const std::string& before) {
  constexpr auto kReplace = ViewCollector::Json::error_handler_t::replace;  // sources may have bytes that are no UTF-8
  std::vector<HtmlData> blocks = {{kRun, pack_data(data.dump(-1, ' ', false, kReplace))}};
  if (!before.empty()) blocks.push_back({kBefore, before});
  const std::string style = gunzipped(kViewStyle);
  const std::string script = gunzipped(kViewScript);
  const std::string body = gunzipped(kViewBody);
  return script_page({.title = fmt::format("{} - fble-jit view", data.at("program").get<std::string>()),
                      .style = style,
                      .script = script,
                      .body = body,
                      .data = blocks});
}

std::optional<std::string> view_data_of(std::string_view page) { return find_data(page, kRun); }

}  // namespace fble
