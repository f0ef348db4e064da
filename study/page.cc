#include "study/page.h"

#include "base/status_macros.h"

namespace tidemark::study {

absl::StatusOr<Page> Page::Open(store::KeyStore& keys, const Call& call, std::string_view method,
                                uint32_t page_size, std::string_view page_token) {
  Page page;
  TM_ASSIGN_OR_RETURN(page.size_, rpc::PageSizeOf(page_size));
  TM_ASSIGN_OR_RETURN(page.key_, keys.ServiceKey("page-token"));
  page.method_ = method;
  page.caller_ = call.principal_id.AsBytes();
  page.caller_ += call.participant_id.AsBytes();
  page.caller_ += call.study_id.AsBytes();
  TM_ASSIGN_OR_RETURN(page.cursor_,
                      rpc::ReadPageToken({page.key_, page.method_, page.caller_}, page_token));
  return page;
}

std::string Page::TokenAfter(std::string_view last_row) const {
  return rpc::MakePageToken({key_, method_, caller_}, last_row);
}

}  // namespace tidemark::study
