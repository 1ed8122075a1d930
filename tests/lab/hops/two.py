"""two.py OUT - start both Postfix and a mxgauged, send the mails, wait for the end of each."""
import os
import smtplib
import subprocess
import sys
import time

OUT = sys.argv[1]
HOSTS = {"relay1": "198.51.100.3", "store1": "198.51.100.7"}
REMOVED = {"relay1": 10, "store1": 8}       # how often "removed" must be said in the end


def until(what, done, limit=60):
    end = time.time() + limit
    while not done():
        if time.time() > end:
            sys.exit("waited in vain: " + what)
        time.sleep(0.05)


def log(host):
    try:
        with open(f"{OUT}/{host}.log", encoding="utf-8", errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def reads():
    done = subprocess.run([os.environ["MXGAUGE"] + "/mxgauge", "report", "--state", OUT + "/live", "--json"],
                          capture_output=True, text=True)
    return f'"read":{sum(len(log(h).splitlines()) for h in HOSTS)},' in done.stdout


def send(host, sender, recipients, name):
    with smtplib.SMTP(HOSTS[host], 25, "client.example.net", timeout=20,
                      source_address=("192.0.2.1", 0)) as s:
        s.sendmail(sender, recipients,
                   f"From: {sender}\r\nMessage-ID: <{name}@example.net>\r\nSubject: {name}\r\n\r\nHello\r\n")


def play():
    for i in range(5):
        send("relay1", "a@example.net", ["anna@example.org"], f"single{i}")
    send("relay1", "a@example.net", ["anna@example.org", "bert@example.org", "carla@example.org",
                                     "far@example.com"], "several")
    send("relay1", "a@example.net", ["team@example.org"], "team")
    send("relay1", "a@example.net", ["nobody@example.org"], "refused")
    send("store1", "anna@example.org", ["far@example.com"], "inside")


def main():
    with open(OUT + "/mxgauged.conf", "w", encoding="utf-8") as f:
        f.write(f'state = "{OUT}/live"\n')
        for host in HOSTS:
            f.write(f'source "{host}" {{ files = {{"{OUT}/{host}.log"}} }}\n')
    started = [subprocess.Popen(["smtp-sink", "-u", "nobody", "203.0.113.9:25", "20"])]
    for host in HOSTS:
        subprocess.run(["postfix", "-c", f"{OUT}/{host}", "start"], check=True)
    try:
        for host in HOSTS:
            until(host + " is there", lambda h=host: "daemon started" in log(h))
        started.append(subprocess.Popen([os.environ["MXGAUGE"] + "/mxgauged", "--foreground", "--config",
                                         OUT + "/mxgauged.conf"]))
        play()
        for host, n in REMOVED.items():
            until(f"{host} is empty", lambda h=host, n=n: log(h).count(": removed") >= n)
        for host in HOSTS:
            subprocess.run(["postfix", "-c", f"{OUT}/{host}", "stop"], check=True)
        until("all was read", reads)
    finally:
        for p in started:
            p.terminate()
            p.wait()


main()
