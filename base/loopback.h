// Which addresses cannot be anything but this machine.
#pragma once

#include <string_view>

namespace tidemark {

// Whether HOST:PORT is reached from this machine only: 127.0.0.0/8 in four plain numbers, [::1] or
// localhost, and a number behind the colon. Anything else is taken for foreign: a name may begin
// like an address and belong to somebody else (127.0.0.1.example.org).
bool IsLoopbackAddress(std::string_view host_and_port);

}  // namespace tidemark
