#pragma once

namespace tidemark::server {

// Semantic version of the project, from CMakeLists.txt.
inline constexpr char kVersion[] = TIDEMARK_VERSION;

}  // namespace tidemark::server
