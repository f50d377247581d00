#include "frontends/view/page.h"

#include <fmt/format.h>

#include <vector>

#include "frontends/html/html.h"

namespace fble {

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
  return script_page({.title = fmt::format("{} - fble-jit view", data.at("program").get<std::string>()),
                      .style = kViewStyle,
                      .script = kViewScript,
                      .body = kViewBody,
                      .data = blocks});
}

std::optional<std::string> view_data_of(std::string_view page) { return find_data(page, kRun); }

}  // namespace fble
