// The trace viewer's page: what was collected, with the script that shows it (view.js) and its look (view.css).
//
// Tested by tests/unit/frontends/view/page_test.cc, and in a browser by tests/view/browser.py.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "frontends/view/collect.h"

namespace fble {

/// Returns the page. `before` is what `view_data_of` returned for the page of an earlier run, which the page compares
/// with this one; or empty.
std::string view_page(const ViewCollector::Json& data, const std::string& before);

/// Returns the data in a viewer's page, packed; nothing if it is none.
std::optional<std::string> view_data_of(std::string_view page);

}  // namespace fble
