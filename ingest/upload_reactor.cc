#include "ingest/upload_reactor.h"

#include "base/rpc/error.h"

namespace tidemark::ingest {

void UploadReactor::Finish(const absl::Status& status) {
  ServerBidiReactor::Finish(rpc::ToGrpc(status));
}

}  // namespace tidemark::ingest
