"""A browser without window, driven through a pipe (https://chromedevtools.github.io/devtools-protocol/)."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import time

# What the browser needs to know about keys that write nothing.
VIRTUAL_KEYS = {"Escape": 27}
NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_browser():
    """Returns the browser's command, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page. `problems` has what it reported as a mistake, `requests` the addresses that it asked for."""

    def __init__(self, command, width=1500, height=950):
        self.folder = tempfile.TemporaryDirectory(prefix="fble-view-")
        self.problems = []
        self.requests = []
        self.last_id = 0
        self.unread = b""
        # The browser reads commands from descriptor 3 and writes answers to descriptor 4.
        commands_out, self.to_browser = map(above_the_standard_ones, os.pipe())
        self.from_browser, answers_in = map(above_the_standard_ones, os.pipe())

        def set_descriptors():
            os.dup2(commands_out, 3)
            os.dup2(answers_in, 4)

        self.process = subprocess.Popen(
            [command, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={self.folder.name}",
             f"--window-size={width},{height}", "about:blank"],
            preexec_fn=set_descriptors, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands_out)
        os.close(answers_in)
        self.session = None
        targets = self.send("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self.session = self.send("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def close(self):
        self.session = None
        try:
            self.send("Browser.close")
            self.process.wait(timeout=20)
        except (OSError, EOFError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.to_browser)
        os.close(self.from_browser)
        self.folder.cleanup()

    # ---- messages ----

    def send(self, method, **parameters):
        """Sends a command and returns its result. Notes the events that come before it."""
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": parameters}
        if self.session is not None:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to_browser, data):]
        while True:
            answer = self.receive()
            if answer.get("id") == self.last_id:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.note(answer)

    def receive(self):
        while b"\0" not in self.unread:
            part = os.read(self.from_browser, 1 << 20)
            if not part:
                raise EOFError("the browser has ended")
            self.unread += part
        message, _, self.unread = self.unread.partition(b"\0")
        return json.loads(message)

    def note(self, event):
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled":
            self.problems.append(f"console: {parameters['args']}")
        elif method == "Log.entryAdded":
            self.problems.append(f"log: {parameters['entry']['text']}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])

    # ---- what tests do ----

    def open(self, file, fragment=""):
        """Opens a file and returns the seconds until it says that it is ready."""
        self.send("Page.navigate", url="about:blank")
        start = time.monotonic()
        self.send("Page.navigate", url=f"file://{os.path.abspath(file)}{fragment}")
        self.wait_for("document.documentElement?.dataset.ready === 'true'")
        return time.monotonic() - start

    def value(self, expression):
        """Returns the value of an expression in the page."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']['text']} "
                               f"{result['result'].get('description', '')}")
        return result["result"].get("value")

    def wait_for(self, expression, seconds=30):
        end = time.monotonic() + seconds
        while not self.value(expression):
            if time.monotonic() > end:
                raise TimeoutError(f"still not true: {expression}; {self.problems}")
            time.sleep(0.005)

    def point(self, selector):
        """Returns the middle of the first element that the selector finds, scrolled into view."""
        box = self.value(f"""(() => {{
            const node = document.querySelector({json.dumps(selector)});
            if (node === null) return null;
            node.scrollIntoView({{block: 'nearest', inline: 'nearest'}});
            const box = node.getBoundingClientRect();
            return {{x: box.left + Math.min(box.width / 2, 60), y: box.top + box.height / 2}};
        }})()""")
        if box is None:
            raise RuntimeError(f"the page has no {selector}")
        return box

    def hover(self, selector):
        self.send("Input.dispatchMouseEvent", type="mouseMoved", **self.point(selector))

    def click(self, selector):
        point = self.point(selector)
        self.send("Input.dispatchMouseEvent", type="mouseMoved", **point)
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **point)

    def press(self, key):
        text = {"text": key} if len(key) == 1 else {"code": key, "windowsVirtualKeyCode": VIRTUAL_KEYS[key]}
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    def screenshot(self, file, scheme="light"):
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        data = self.send("Page.captureScreenshot", format="png")["data"]
        with open(file, "wb") as out:
            out.write(base64.b64decode(data))


def above_the_standard_ones(descriptor):
    """Moves a descriptor away from the numbers that the browser expects."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved
