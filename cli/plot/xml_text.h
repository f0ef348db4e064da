// Text inside a picture.
#pragma once

#include <string>
#include <string_view>

namespace tidemark::cli {

// As the content or an attribute of an XML element; control characters, which XML cannot say,
// become spaces.
std::string EscapeXml(std::string_view text);

}  // namespace tidemark::cli
