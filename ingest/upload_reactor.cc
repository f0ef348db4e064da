#include "ingest/upload_reactor.h"

namespace tidemark::ingest {

void UploadReactor::Finish(const absl::Status& status) {
  ServerBidiReactor::Finish(log_.End(status));
}

}  // namespace tidemark::ingest
