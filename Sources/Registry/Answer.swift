internal import HTTPTransport

/// The end of a request: the head, who sent it, and what was said when it was not a success.
struct Answer: Sendable {
  let method: HTTPRequest.Method
  /// The URL that answered, redirects followed.
  let url: HTTPURL
  let response: HTTPResponse
  /// The body of an error; empty for a success, whose body went to the payload.
  let body: [UInt8]

  var isSuccess: Bool { (200..<300).contains(response.status) }

  var attempt: RegistryError.Attempt { RegistryError.Attempt(method, url) }

  /// `Location` of a redirect that is to be followed.
  var redirection: String? {
    switch response.status {
    case 301, 302, 303, 307, 308: response.headers.first("location")
    default: nil
    }
  }
}

extension RegistryError.Attempt {
  init(_ method: HTTPRequest.Method, _ url: HTTPURL) {
    self.init(method: method.rawValue, url: url.redacted.printable)
  }
}
