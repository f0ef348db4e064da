// An upload service that discards: what gRPC alone costs the same client.
#pragma once

#include <string>

namespace tidemark::bench {

// Serves on a free loopback port, which it writes to `port_file`, until the process is asked to
// end. False when it cannot.
bool ServeNullSink(const std::string& port_file);

}  // namespace tidemark::bench
