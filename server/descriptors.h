// File descriptors: a connection is one, and gRPC of this distribution never recovers from having
// run out of them.
#pragma once

#include <cstdint>

#include "server/config.h"

namespace tidemark::server {

// How many a server with these settings should have, beside one for each connection of a client.
uint64_t DescriptorsWanted(const Config& config);

// Takes all that the system allows this process, and warns when that is fewer than wanted. Gives
// what it has now.
uint64_t TakeDescriptors(const Config& config);

}  // namespace tidemark::server
