// What a stream tells of a person, from what it measures.
#pragma once

#include "tidemark/v1/authz.pb.h"
#include "tidemark/v1/stream.pb.h"

namespace tidemark::store {

// DATA_KIND_OTHER for a modality that has no kind of its own.
v1::DataKind DataKindOf(v1::Modality modality);

}  // namespace tidemark::store
