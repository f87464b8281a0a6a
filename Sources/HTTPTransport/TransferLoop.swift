import CCurl

/// Drives all transfers.
///
/// Lives on its own thread from beginning to end; others reach it through the queue.
final class TransferLoop {
  private let multi: MultiHandle
  private let queue: CommandQueue
  private let authorities = AuthorityStore()
  private var transfers: [Int: Transfer] = [:]

  init(_ multi: MultiHandle, _ queue: CommandQueue) {
    self.multi = multi
    self.queue = queue
  }

  private var functions: curl_functions { multi.library.functions.pointee }

  /// Works until told to stop, then frees the multi handle.
  func run() {
    while obeyCommands() {
      var runningCount: CInt = 0
      var code = functions.multi_perform(multi.raw, &runningCount)
      reportFinished()
      if code == CURLM_OK {
        code = functions.multi_poll(multi.raw, nil, 0, Self.longestSleepMilliseconds, nil)
      }
      if code != CURLM_OK { failAll(code) }
    }
    for transfer in transfers.values { drop(transfer, CancellationError()) }
    for case .start(let job) in queue.close() { job.continuation.resume(throwing: CancellationError()) }
    multi.free()
  }

  /// libcurl wakes up by itself when one of its own times is due.
  private static let longestSleepMilliseconds: CInt = 60_000

  /// False after the command to stop.
  private func obeyCommands() -> Bool {
    for command in queue.take() {
      switch command {
      case .start(let job): start(job)
      case .cancel(let id): if let transfer = transfers[id] { drop(transfer, CancellationError()) }
      case .resume(let id): if let transfer = transfers[id] { resume(transfer) }
      case .stop: return false
      }
    }
    return true
  }

  private func start(_ job: TransferJob) {
    guard !job.cancellation.isRequested else {
      job.continuation.resume(throwing: CancellationError())
      return
    }
    do throws(TransportError) {
      let transfer = try Transfer(job, queue: queue, library: multi.library)
      try transfer.configure(authorities)
      let code = functions.multi_add_handle(multi.raw, transfer.easy.raw)
      guard code == CURLM_OK else {
        throw .other(code: Int(code.rawValue), reason: "the transfer cannot be started")
      }
      transfers[job.id] = transfer
    } catch {
      job.continuation.resume(throwing: error)
    }
  }

  private func resume(_ transfer: Transfer) {
    let code = transfer.resume()
    if code != CURLE_OK { finish(transfer, code) }
  }

  private func reportFinished() {
    var remaining: CInt = 0
    while let message = functions.multi_info_read(multi.raw, &remaining) {
      guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
      let code = message.pointee.data.result
      if let transfer = transfers.values.first(where: { $0.easy.raw == easy }) { finish(transfer, code) }
    }
  }

  private func finish(_ transfer: Transfer, _ code: CURLcode) {
    let result = transfer.result(code)
    remove(transfer)
    transfer.settle(result)
  }

  /// Closes the connection of a transfer that is not complete.
  private func drop(_ transfer: Transfer, _ error: any Error) {
    remove(transfer)
    transfer.settle(.failure(error))
  }

  private func remove(_ transfer: Transfer) {
    _ = functions.multi_remove_handle(multi.raw, transfer.easy.raw)
    transfers[transfer.id] = nil
  }

  /// The multi handle itself failed, for want of memory or descriptors.
  private func failAll(_ code: CURLMcode) {
    let error = TransportError.other(code: Int(code.rawValue), reason: "libcurl's multi handle failed")
    for transfer in transfers.values { drop(transfer, error) }
  }
}
