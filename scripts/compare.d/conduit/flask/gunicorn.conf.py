# gunicorn: two processes of 32 threads, since its plain workers keep no connection.
bind = "127.0.0.1:${port}"
workers = ${workers}
worker_class = "gthread"
threads = 32
keepalive = 600
accesslog = "${folder}/access.log"
errorlog = "${folder}/error.log"
chdir = "${folder}"
raw_env = ["FOLDER=${folder}"]
